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
