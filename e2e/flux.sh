#!/usr/bin/env bash
# docs/flux.md beside Flux's own generator, build and decryptor: its Kustomization opens what `quickstart` wrote, and applies no
# configuration of ours.
# needs: git
# peers: flux-decryptor kubectl yq
set -euo pipefail
: "${ROOT:?started by e2e/run}"
source "$ROOT/e2e/lib/host.bash"

status 0 pullcred quickstart sample
mv sample/age.agekey .
documented flux Kustomization >flux.yaml

# The Secret of the page is the one that its Kustomization names, and holds the key under the right ending.
bash -euo pipefail -c "$(documented flux identity) --dry-run=client --output yaml" >key.yaml
[[ $(yq '.metadata.namespace + "/" + .metadata.name' key.yaml) == $(yq '.metadata.namespace + "/" + .spec.decryption.secretRef.name' flux.yaml) ]] ||
  fail 'the Kustomization names another Secret than the page creates'
yq '.data | keys | .[0]' key.yaml | grep -q '\.agekey$' || fail 'Flux does not take the key'
yq '.data["age.agekey"] | @base64d' key.yaml >identity

# opened FILE: it has the Secret in clear and the Deployment with its reference.
opened() {
  [[ $(yq 'select(.kind == "Secret") | .data[".dockerconfigjson"] | @base64d' "$1") == *made-up-by-quickstart* ]] || fail "$1: no credential"
  [[ $(yq 'select(.kind == "Deployment") | .spec.template.spec.imagePullSecrets[].name' "$1") == registry ]] || fail "$1: no reference"
  if grep -q 'ENC\[\|PullCredentials' "$1"; then fail "$1: something is left in it that no cluster needs"; fi
}

flux-decryptor flux.yaml "$PWD/sample" identity >by-flux.yaml
opened by-flux.yaml
echo 'Flux: the Kustomization of the page opens the Secret and applies the reference'

# Without a kustomization file, and with the configuration in the same folder.
mkdir -p plain/overlays/production
cp sample/.pullcred.yaml plain/overlays/production/pullcred.yaml
cp sample/overlays/production/registry.sops.yaml sample/base/web.yaml plain/overlays/production/
flux-decryptor flux.yaml "$PWD/plain" identity >by-flux.yaml
opened by-flux.yaml
echo 'Flux: a folder without kustomization, the configuration in it stays out of the cluster'
