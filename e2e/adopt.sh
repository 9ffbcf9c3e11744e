#!/usr/bin/env bash
# `adopt` beside the programs that open what it writes: sops and Flux' own decryptor get the very objects that stood there in clear, and
# Git sees no change besides.
# needs: git
# peers: sops age-keygen kustomize flux-decryptor kubectl yq
set -euo pipefail
: "${ROOT:?started by e2e/run}"
source "$ROOT/e2e/lib/secrets.bash"

readonly password='p&ss<w>rd "quoted" $HOME %41:colon'
# registry_secret NAME NAMESPACE: as kubectl makes it.
registry_secret() {
  kubectl create secret docker-registry "$1" --namespace "$2" --dry-run=client --output yaml \
    --docker-server=myregistry.azurecr.io --docker-username=bot --docker-password="$password"
}
# as_item FILE: indented as an item of a List.
as_item() {
  sed '1s/^/  - /; 2,$s/^/    /' "$1"
}

git init -q repo
mkdir -p repo/apps
cd repo
creation_rules "$mine" | sed '/path_regex/d; s/^    encrypted_regex/  - encrypted_regex/' >.sops.yaml
registry_secret plain shop | sed '1s/^/# The pull secret of the shop\n/; s/^type:/# its type\n&/' >apps/plain.yaml
{ registry_secret one shop; echo ---; registry_secret two shop; } >apps/both.yaml
{ workload web shop; echo '---'; echo '# moves'; registry_secret moved shop; echo '---'; workload api shop; } >apps/stream.yaml
registry_secret item shop >../item
workload job shop >../job
{ printf 'apiVersion: v1\nkind: List\nitems:\n'; as_item ../job; as_item ../item; } >apps/list.yaml
registry_secret json shop | yq --output-format json >apps/json.json
cat >apps/old.yaml <<YAML
apiVersion: v1
kind: Secret
metadata: {name: old, namespace: shop}
type: kubernetes.io/dockercfg
stringData:
  # written by hand
  .dockercfg: |
    {"myregistry.azurecr.io": {"username": "bot", "password": "plain-password"}}
YAML
printf 'resources: [plain.yaml, both.yaml, stream.yaml, list.yaml, json.json, old.yaml]\n' >apps/kustomization.yaml
commit .
kustomize build apps | yq 'select(.kind == "Secret")' >../clear.yaml
[[ $(yq '.metadata.name' ../clear.yaml | grep -vc '^---') == 7 ]] || fail 'the sample has another number of Secrets'

status 1 pullcred check
says 'pullcred adopt'
status 0 pullcred adopt --diff
says '7 Secrets encrypted'
says 'Git keeps what was committed in clear'
mapfile -t hidden < <(printf '%s\n' "$password" plain-password; yq '.data[]' ../clear.yaml | grep -v '^---'; yq '.data[] | @base64d' ../clear.yaml | grep -o '"auth":"[^"]*"' | cut -d'"' -f4)
for secret in "${hidden[@]}"; do
  if grep -rqF --exclude-dir=.git -e "$secret" . "$OUT"; then fail "a secret is left in $(grep -rlF --exclude-dir=.git -e "$secret" . "$OUT")"; fi
done
echo "${#hidden[@]} secret texts: none left in the tree or in what was said"

export SOPS_AGE_KEY_FILE=$keys/age.txt
# in_clear FILE…: the Secrets in these files, opened by sops, in one form.
in_clear() {
  local file
  for file in "$@"; do
    printf -- '---\n'
    sops decrypt --output-type yaml "$file"
  done
}
mapfile -t encrypted < <(grep -lr '"sops":\|^sops:' apps)
# Each as a build shows it: `stringData` is `data` there.
in_clear "${encrypted[@]}" >../opened.yaml
one_form() {
  yq --output-format json --indent 0 'select(.kind == "Secret") |
    with(select(has("stringData")); .data = (.stringData | map_values(@base64))) | del(.stringData) | del(.metadata.creationTimestamp)' "$1" | sort
}
diff <(one_form ../clear.yaml) <(one_form ../opened.yaml) >"$OUT" || fail "sops opens something else: $(cut -c 1-300 "$OUT")"
echo "sops: ${#encrypted[@]} files, the 7 Secrets that stood there"

# Comments outside of the values are there, those between them as sops encrypts them.
grep -qx '# The pull secret of the shop' apps/plain.yaml && grep -qx '# its type' apps/plain.yaml || fail 'a comment is lost'
grep -qx '# moves' apps/moved.sops.yaml || fail 'the comment of a Secret that moved is lost'
if grep -q 'written by hand' apps/old.yaml; then fail 'a comment between values is in clear'; fi
sops decrypt apps/old.yaml | grep -q '# written by hand' || fail 'sops does not open a comment'
git diff --unified=0 -- apps/stream.yaml apps/list.yaml | grep '^[-+]' | grep -v '^---\|^+++' >../changes
if grep -q '^+' ../changes; then fail "something was added to what stays: $(<../changes)"; fi
[[ $(git diff --numstat -- apps/kustomization.yaml) == $'1\t1\t'* ]] || fail 'the kustomization changed elsewhere'
kustomize build apps | yq 'select(.kind != "Secret")' >../rest-after
git stash --quiet --include-untracked
kustomize build apps | yq 'select(.kind != "Secret")' >../rest-before
git stash pop --quiet
cmp ../rest-before ../rest-after || fail 'what is no Secret changed'
echo "git: $(wc -l <../changes) lines taken out of the stream and the List, none added"

cat >../flux.yaml <<'YAML'
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  interval: 10m
  path: ./apps
  prune: true
  sourceRef: {kind: GitRepository, name: repo}
  decryption: {provider: sops, secretRef: {name: sops-age}}
YAML
flux-decryptor ../flux.yaml "$PWD" "$keys/age.txt" >../by-flux.yaml
diff <(one_form ../clear.yaml) <(one_form ../by-flux.yaml) >"$OUT" || fail "Flux opens something else: $(cut -c 1-300 "$OUT")"
echo 'Flux: its decryptor opens all 7'

status 0 pullcred adopt --exit-code
says 'no registry Secret stands in clear'
status 0 pullcred check
status 0 pullcred check --identity "$keys/age.txt"
sops updatekeys --yes apps/plain.yaml >"$OUT" 2>&1
sops rotate --in-place apps/plain.yaml
sops decrypt apps/plain.yaml >"$OUT"
echo 'a second run changes nothing; sops goes on with the files'
