#!/usr/bin/env bash
# What `quickstart` writes, judged by others: Git takes it for a repository and ignores the identity, sops opens its Secrets with that
# identity, kustomize builds it. The commands are those of the README that it writes; tests/integration/quickstart.rs runs the others.
# needs: git
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
