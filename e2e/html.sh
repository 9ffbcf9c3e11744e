#!/usr/bin/env bash
# `list -o html` in a headless Chromium: filters, search, keyboard, both themes, print, and no network.
#
# The pictures stay in target/e2e/html, to be looked at.
# needs: chromium node
set -euo pipefail

: "${ROOT:?started by e2e/run}"
readonly pictures=$ROOT/target/e2e/html

rm -rf "$pictures"
mkdir -p "$pictures" tree
cat >tree/.pullcred.yaml <<'YAML'
apiVersion: pullcred.dev/v1alpha1
kind: PullCredentials
spec:
  secrets:
    - {name: acr-secret, registries: [myregistry.azurecr.io]}
    - {name: hub, registries: [docker.io]}
  nodeIdentity: [attached.azurecr.io]
YAML

# pod NAME NAMESPACE SECRET IMAGE…
pod() {
  printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: %s%s}\nspec:\n' "$1" "${2:+, namespace: $2}"
  [[ -z $3 ]] || printf '  imagePullSecrets: [{name: %s}]\n' "$3"
  printf '  containers:\n'
  printf '    - {name: main, image: "%s"}\n' "${@:4}"
  printf -- '---\n'
}
{
  pod served shop acr-secret myregistry.azurecr.io/web:1
  pod lacking shop '' myregistry.azurecr.io/api:1 quay.io/public/x:1
  pod elsewhere web acr-secret myregistry.azurecr.io/api:1
  pod node web '' attached.azurecr.io/a:1
  pod homeless '' hub 'team/app:1</script><b>x' nginx
  printf 'apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: acr-secret, namespace: shop}\nspec: {}\n'
} >tree/all.yaml
# shellcheck disable=SC1083 # a template
printf 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ x }}\nspec:\n  containers:\n    - {name: a, image: nginx}\n' >tree/chart.yaml

pullcred list -C tree -o html >page.html
node "$ROOT/e2e/lib/html.mjs" page.html "$pictures"
rm -rf "$pictures/profile"
