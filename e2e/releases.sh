#!/usr/bin/env bash
# Releases whose chart is in the repository, in each way that they can be written: after `inject`, the real Helm 3 and Helm 4 render the
# same objects as before plus the pull secret, once in each pod.
# needs: git
# peers: helm3 helm4 yq
set -euo pipefail
: "${ROOT:?started by e2e/run}"
source "$ROOT/e2e/lib/host.bash"

cp -r "$ROOT/fixtures/cases/inject/release-with-its-chart-in-the-repository/in" shop
git -C shop init -q
commit shop
cd shop
# What is checked here are the references; no Secret is written.
printf '  findings:\n    - {code: secret-not-shipped, severity: ignore, reason: the Secret is none of this check}\n' >>.pullcred.yaml
git commit -qam 'references only'

# values WHAT: the values of a release as its host hands them to Helm.
values() {
  case $1 in
    flux) yq 'select(.metadata.name == "flux") | .spec.values // {}' flux.yaml ;;
    flux-values) yq 'select(.metadata.name == "flux-values") | .spec.values' flux.yaml ;;
    text) yq 'select(.metadata.name == "text") | .spec.source.helm.values' argo.yaml ;;
    file) cat values/shop.yaml ;;
    k3s) yq '.spec.valuesContent' k3s.yaml ;;
    built) yq '.helmCharts[0].valuesInline' clusters/kustomization.yaml ;;
  esac
}

# rendered HELM WHAT: what Helm makes of them.
rendered() {
  values "$2" | "$1" template "$2" charts/shop --namespace shop --values -
}

readonly WAYS=(flux flux-values text file k3s built)
for way in "${WAYS[@]}"; do
  for helm in helm3 helm4; do
    rendered "$helm" "$way" >"../$way.$helm.before"
  done
done
status 1 pullcred check
status 0 pullcred inject
status 0 pullcred check
git diff --numstat | awk '$2 > 2 { exit 1 }' || fail "more than insertions: $(git diff --numstat)"
[[ -z $(git status --porcelain -- charts vendor clusters/charts) ]] || fail 'a chart was changed'
readonly SECRETS='[.. | select(has("imagePullSecrets")) | .imagePullSecrets[].name | select(. == "regcred")] | length'
for way in "${WAYS[@]}"; do
  for helm in helm3 helm4; do
    rendered "$helm" "$way" >"../$way.$helm.after"
    (($(yq ea "[.] | $SECRETS" "../$way.$helm.after") == 2)) || fail "$way: $helm renders other pull secrets"
    plain='del(.. | select(has("imagePullSecrets")).imagePullSecrets)'
    diff <(yq "$plain" "../$way.$helm.before") <(yq "$plain" "../$way.$helm.after") || fail "$way: $helm renders something else, too"
  done
done
git commit -qam injected
status 0 pullcred inject
git diff --quiet || fail 'a second run changes something'
printf '%d ways, Helm 3 and Helm 4: each pod has its pull secret once, nothing else differs\n' "${#WAYS[@]}"

# What the page shows is what is written.
git rm -qr --cached argo.yaml k3s.yaml clusters/kustomization.yaml && rm argo.yaml k3s.yaml clusters/kustomization.yaml
documented helm release.yaml >flux.yaml
status 0 pullcred check
yq -i 'del(.spec.values.web.pullSecrets, .spec.values.worker)' flux.yaml
status 1 pullcred check
status 0 pullcred inject
# plain: without comments, which yq cannot take from a place that it deletes.
plain() {
  yq '... comments=""' -
}
diff <(documented helm release.yaml | plain) <(plain <flux.yaml) || fail 'docs/helm.md shows something else than `inject` writes'
rm flux.yaml
documented helm known.yaml >known.yaml
status 0 pullcred check
yq -i 'del(.spec.values.global)' known.yaml
status 1 pullcred check
status 0 pullcred inject
diff <(documented helm known.yaml | plain) <(plain <known.yaml) || fail 'docs/helm.md shows another chart that is known than `inject` writes'
echo 'docs/helm.md: what it shows is what is written'

# A chart that is not in the repository: what `learn` keeps of it is enough for Helm to put the secret into the pods.
cp -r "$ROOT/fixtures/cases/learn/a-chart-of-a-release/in" ../learned
cd ../learned
git init -q
helm3 package downloads/shop >../packaged
rm -r downloads
printf 'shop-2.3.4.tgz\n' >.gitignore
commit .
command=$(documented helm learn)
bash -euo pipefail -c "$command" 2>../told
diff ../told <(sed -n '/^\$ pullcred learn/,/^```/p' "$ROOT/docs/helm.md" | sed '1d;$d') || fail 'docs/helm.md shows something else than `learn` says'
cp .pullcred/charts.json ../facts
bash -euo pipefail -c "$command" 2>/dev/null
cmp .pullcred/charts.json ../facts || fail 'learning again changes the facts'
for helm in helm3 helm4; do
  git checkout -q release.yaml
  status 1 pullcred check --secret regcred=registry.example.com
  status 0 pullcred inject --secret regcred=registry.example.com
  yq 'select(.kind == "HelmRelease") | .spec.values' release.yaml >../values.yaml
  "$helm" template front shop-2.3.4.tgz --values ../values.yaml >../rendered.yaml
  [[ $(yq 'select(.kind == "Deployment") | .spec.template.spec.imagePullSecrets[].name' ../rendered.yaml) == regcred ]] ||
    fail "$helm: what was learned does not give the pod its secret"
done
echo 'learn: Helm 3 and Helm 4 put the secret where the facts say'
