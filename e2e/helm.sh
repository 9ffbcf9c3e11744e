#!/usr/bin/env bash
# Post-renderers of the real Helm 3 and Helm 4 on a chart of our own; the commands are those of docs/helm.md.
# needs: git
# peers: helm3 helm4 yq
set -euo pipefail
: "${ROOT:?started by e2e/run}"
source "$ROOT/e2e/lib/host.bash"

shop shop
cp -r "$ROOT/fixtures/hosts/chart" shop/chart
cd shop

# secret FILE KIND: the pull secrets of the object of that kind.
secret() {
  kind=$2 yq 'select(.kind == strenv(kind)) | .spec.template.spec.imagePullSecrets[].name' "$1"
}

# with VERSION TITLE [FOLDER]: the command of the page with that title, with `helm` of that version.
with() {
  PATH=$programs/helm$1:$PATH env -C "${3:-.}" bash -euo pipefail -c "$(documented helm "$2")"
}
for version in 3 4; do
  mkdir "../helm$version"
  ln -s "$(command -v "helm$version")" "../helm$version/helm"
done
programs=$(cd .. && pwd)

helm3 template shop chart >../plain3.yaml
with 3 'Helm 3' >../by3.yaml
[[ $(secret ../by3.yaml Deployment) == acr-secret ]] || fail 'Helm 3: the Deployment lacks its secret'
# Helm 3 keeps hooks to itself; the pipe sees them.
[[ -z $(secret ../by3.yaml Job) ]] || fail 'Helm 3 hands over hooks: the documentation says otherwise'
with 3 pipe >../by-pipe.yaml
[[ $(secret ../by-pipe.yaml Job) == acr-secret ]] || fail 'pipe: the hook lacks its secret'
grep -q 'the comment stays' ../by-pipe.yaml || fail 'pipe: a comment is gone'
echo 'Helm 3: Deployment by post-renderer, hook too by pipe'

# pullcred's own rendering is Helm's, but for the version of Kubernetes that either takes by default.
with 3 'without Helm' >../by-ours.yaml
diff <(sed 's/"kube":"[^"]*"//' <(objects ../by-pipe.yaml)) <(sed 's/"kube":"[^"]*"//' <(objects ../by-ours.yaml)) ||
  fail 'without Helm: other objects than by pipe'
grep -q 'the comment stays' ../by-ours.yaml || fail 'without Helm: a comment is gone'
echo 'without Helm: the same objects as by pipe'

# Helm 4 takes plugins only; ours is this repository's folder helm/.
export HELM_DATA_HOME=$PWD/../helm-data HELM_CACHE_HOME=$PWD/../helm-cache HELM_CONFIG_HOME=$PWD/../helm-config
status 0 with 4 plugin "$ROOT"
with 4 'Helm 4' >../by4.yaml
[[ $(secret ../by4.yaml Deployment) == acr-secret ]] || fail 'Helm 4: the Deployment lacks its secret'
[[ $(secret ../by4.yaml Job) == acr-secret ]] || fail 'Helm 4: the hook lacks its secret'
if grep -q generated-by-postrender ../by4.yaml; then fail 'Helm 4: a document lost the annotation of its file'; fi
echo 'Helm 4: Deployment and hook by plugin'

# All three differ from what Helm renders by what is missing, and agree where they see the same.
without() {
  yq 'del(.spec.template.spec.imagePullSecrets)' "$1" >"$1.without"
  objects "$1.without"
}
for kind in Deployment Service; do
  for file in ../by3.yaml ../by4.yaml ../by-pipe.yaml; do
    kind=$kind yq 'select(.kind == strenv(kind))' "$file" >"$file.one"
    objects "$file.one" >"$file.$kind"
    kind=$kind yq 'select(.kind == strenv(kind))' ../plain3.yaml >../plain.one
    diff <(sed 's/"kube":"[^"]*"//' <(objects ../plain.one)) <(sed 's/"kube":"[^"]*"//' <(without "$file.one")) ||
      fail "$file: $kind was changed"
  done
  cmp ../by3.yaml."$kind" ../by-pipe.yaml."$kind" || fail "$kind: pipe and post-renderer differ"
done

# What goes wrong stops Helm.
printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {imagePullSecrets: {a: b}, containers: [{name: a, image: myregistry.azurecr.io/a}]}\n' \
  >chart/templates/broken.yaml
for version in 3 4; do
  status 1 with "$version" "Helm $version"
  # Helm 4 keeps what a plugin says to itself.
  if ((version == 3)); then says 'edit-refused'; else says 'post-renderer plugin "pullcred"'; fi
done
echo 'both: an object that cannot be edited stops Helm'
