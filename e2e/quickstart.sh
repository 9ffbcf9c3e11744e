#!/usr/bin/env bash
# What `quickstart` writes, judged by others: Git takes it for a repository and ignores the identity, sops opens its Secrets with that
# identity, kustomize builds it; and what `init` makes for somebody who has no key yet. The commands are those of the README that it writes; tests/integration/quickstart.rs runs the others.
# needs: git script
# peers: sops age-keygen kustomize yq
set -euo pipefail
: "${ROOT:?started by e2e/run}"
source "$ROOT/e2e/lib/host.bash"

status 0 pullcred quickstart
says '$ pullcred sync'
cd pullcred-quickstart
git add --all
git commit --quiet --message first
if git ls-files | grep -q agekey; then fail 'the identity is in Git'; fi
[[ -z $(git status --porcelain) ]] || fail 'not all of it is in Git'
[[ $(stat -c %a age.agekey) == 600 ]] || fail 'the identity is for everybody'
grep -qF "$(age-keygen -y age.agekey)" .pullcred.yaml || fail 'another recipient than that of the identity'
git fsck --strict --no-progress
echo 'git: a repository; the identity is ignored and for its owner only'

mapfile -t commands < <(sed -n 's/^\$ //p' README.md | grep -v '^pullcred\|^SAMPLE')
((${#commands[@]} == 2)) || fail "other commands than sops and kustomize: ${commands[*]}"
bash -euo pipefail -c "${commands[0]}" >../secret.yaml
yq '.data[".dockerconfigjson"] | @base64d' ../secret.yaml | grep -q '"registry.example.com":{"username":"sample"' ||
  fail 'sops opens something else'
bash -euo pipefail -c "${commands[1]}" >../build.yaml
[[ $(yq 'select(.kind == "Deployment") | .spec.template.spec.imagePullSecrets[0].name' ../build.yaml) == registry ]] ||
  fail 'the Deployment of the build lacks its pull secret'
[[ $(yq 'select(.kind == "Secret") | .metadata.namespace + "/" + .metadata.name' ../build.yaml) == production/registry ]] ||
  fail 'the build lacks the Secret'
echo 'sops opens the Secret, kustomize builds both'

# A new password: the Secrets that hold it, and nothing else.
SAMPLE_USERNAME=bot SAMPLE_PASSWORD=another status 0 pullcred sync --identity age.agekey
[[ $(git diff --name-only) == $'overlays/production/registry.sops.yaml\noverlays/staging/registry.sops.yaml' ]] ||
  fail "a new password changed $(git diff --name-only)"
SOPS_AGE_KEY_FILE=age.agekey sops decrypt overlays/staging/registry.sops.yaml | yq '.data[".dockerconfigjson"] | @base64d' |
  grep -q another || fail 'the new password is not there'
echo 'a new password: two Secrets rewritten, nothing else'

# Somebody without a key, at a terminal: `init` makes one where sops looks for it, and it opens what `sync` writes.
export HOME=$PWD/../home
mkdir -p "$HOME" ../newcomer
cd ../newcomer
git init --quiet
cat >web.yaml <<'YAML'
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: app, image: "myregistry.azurecr.io/web:1"}]}
YAML
printf 'y\ny\n' | script -qefc 'pullcred init' /dev/null >../asked
identity=$HOME/.config/sops/age/keys.txt
grep -qF "make an age identity in $identity" ../asked || fail "nobody was asked: $(<../asked)"
[[ $(stat -c %a "$identity") == 600 ]] || fail 'the identity is for everybody'
grep -qF "$(age-keygen -y "$identity")" .pullcred.yaml || fail 'the configuration has another recipient'
MYREGISTRY_AZURECR_IO_USERNAME=me MYREGISTRY_AZURECR_IO_PASSWORD=mine status 0 pullcred sync
sops decrypt pull-secrets/shop/myregistry-azurecr-io.sops.yaml | yq '.data[".dockerconfigjson"] | @base64d' | grep -q '"mine"' ||
  fail 'sops does not find the identity'
printf 'n\nn\n' | script -qefc 'pullcred init --force' /dev/null >../asked
grep -qF "whose identity is in $identity" ../asked || fail "the identity is not used again: $(<../asked)"
[[ -z $(git status --porcelain | grep -v 'pullcred.yaml\|pull-secrets\|web.yaml') ]] || fail 'something else is in the repository'
echo 'a newcomer: an identity made where sops looks for it, for its owner only'
