#!/usr/bin/env bash
# The commands that make and keep Secrets beside the real programs: what we write sops, its package decrypt, age, rage, Flux and a
# Kubernetes API server take, and what sops and age change or write we read.
# needs: git openssl unshare
# peers: sops age age-keygen rage kustomize kubectl etcd kube-apiserver flux-decryptor yq
set -euo pipefail
: "${ROOT:?started by e2e/run}"
source "$ROOT/e2e/lib/secrets.bash"
go -C "$ROOT/e2e/sops-decrypt" build -mod=readonly -o "$PWD/sops-decrypt" .
readonly package=$PWD/sops-decrypt

# pull ARGUMENT…: pullcred without any identity; `opening` with that of `mine`.
pull() {
  pullcred -C repo "$@"
}
opening() {
  SOPS_AGE_KEY_FILE=$keys/age.txt pull "$@"
}
# by_sops NAME ARGUMENT…: sops in the repository, with the key of that name.
by_sops() {
  local key=$1
  shift
  (cd repo && SOPS_AGE_KEY_FILE=$keys/$key.txt sops "$@")
}
# equal WHAT A B: both files hold the same documents, by sops' YAML parser.
equal() {
  "$package" equal "$2" "$3" || fail "$1"
  compared=$((compared + 1))
}
# unchanged [COMMAND…]: a run that must find nothing to do.
unchanged() {
  "$@" sync --quiet --exit-code 2>"$OUT" || fail "not unchanged: $(<"$OUT")"
}
compared=0

repository repo
status 0 pull sync
mapfile -t files < <(cd repo && find clusters/prod/pull-secrets -name '*.sops.yaml' | sort)
mapfile -t sealed < <(cd repo && find clusters/edge -name '*.age' | sort)
((${#files[@]} == 4 && ${#sealed[@]} == 2)) || fail "${#files[@]} SOPS files and ${#sealed[@]} age files"
unchanged pull
unchanged opening
git -C repo add -A && git -C repo commit -qm first
echo "sync: ${#files[@]} SOPS files, ${#sealed[@]} age files; a second run changes nothing, with and without identity"

# What we wrote, opened by everybody.
for file in "${files[@]}"; do
  opening show --reveal "$file" >ours.yaml
  by_sops age decrypt "$file" >theirs.yaml
  equal "sops decrypt of $file" ours.yaml theirs.yaml
  SOPS_AGE_KEY_FILE=$keys/age.txt "$package" decrypt "repo/$file" >theirs.yaml
  equal "package decrypt of $file" ours.yaml theirs.yaml
  by_sops age filestatus "$file" | grep -q '"encrypted":true' || fail "sops filestatus of $file"
  # How helm-secrets knows an encrypted file and its format.
  grep -q 'mac.*,type:str]' "repo/$file" && grep -qx 'sops:' "repo/$file" || fail "helm-secrets would not know $file"
done
for file in "${sealed[@]}"; do
  opening show --reveal "$file" >ours.yaml
  install -m 600 "$keys/ssh_ed25519" ssh_identity
  for identity in "$keys/age.txt" ssh_identity; do
    for program in age rage; do
      "$program" -d -i "$identity" "repo/$file" >theirs.yaml
      equal "$program -d of $file" ours.yaml theirs.yaml
    done
  done
done
echo "opened by sops, package decrypt, age and rage as by us: $compared comparisons"

# The body: byte for byte what kubectl makes.
secrets=0
while IFS= read -r -d '' password; do
  for server in myregistry.azurecr.io https://index.docker.io/v1/; do
    made=(kubectl create secret docker-registry x --dry-run=client -o json
      --docker-server "$server" --docker-username "$ACR_USERNAME" --docker-password "$password")
    "${made[@]}" | yq -r '.data[".dockerconfigjson"]' | base64 -d >by-kubectl
    "${made[@]}" --docker-email me@example.com | yq -r '.data[".dockerconfigjson"]' | base64 -d >with-email
    file=clusters/prod/pull-secrets/shop/acr-secret.sops.yaml
    [[ $server == my* ]] || file=clusters/prod/pull-secrets/shop/hub.sops.yaml
    ACR_PASSWORD=$password HUB_USERNAME=$ACR_USERNAME HUB_PASSWORD=$password pull encrypt --quiet
    by_sops age decrypt --extract '["data"][".dockerconfigjson"]' "$file" | base64 -d >by-us
    cmp by-kubectl by-us || fail "another body than kubectl's for $server"
    # An address for mail is nothing that a kubelet reads: the rest is the same.
    [[ $(yq -p json -o json -I 0 'del(.auths[].email)' with-email) == "$(yq -p json -o json -I 0 . by-us)" ]] || fail "more than the email differs for $server"
    secrets=$((secrets + 1))
  done
done < <(printf '%s\0' plain "$ACR_PASSWORD" 'a:b:c' '<&>' "$(printf 'longer %.0s' {1..60})" '\u0041\n' '{"json": "yes"}' $'\u00e9\u4e2d\U0001f511' "${HUB_PASSWORD}")
git -C repo checkout -q .
echo "kubectl create secret docker-registry: $secrets bodies byte for byte the same, with an email the same but for it"

# What sops changes we take as it is.
first=${files[0]}
creation_rules "$mine,$second" >repo/.sops.yaml
status 1 pull check
says 'secret-stale'
for file in "${files[@]}"; do
  status 0 by_sops age updatekeys -y "$file"
done
status 0 pull check --strict
unchanged opening
git -C repo commit -qam 'updatekeys'
for file in "${files[@]}"; do
  status 0 by_sops age-second rotate -i "$file"
done
unchanged opening
status 0 pull check --strict
opening rotate --quiet
by_sops age-second decrypt "$first" >/dev/null
status 0 by_sops age set "$first" '["metadata"]["annotations"]' '{"argocd.argoproj.io/sync-wave": "-1"}'
status 0 opening show "$first"
unchanged opening
status 0 env EDITOR="sed -i 's/sync-wave: \"-1\"/sync-wave: \"-5\"/'" bash -c "cd repo && SOPS_AGE_KEY_FILE=$keys/age.txt sops edit $first"
unchanged opening
grep -q 'sync-wave: "-5"' "repo/$first" || fail 'sops edit: the edit is not there'
# Somebody puts another password in: it is told, and what is configured comes back, annotation and all.
by_sops age set "$first" '["data"][".dockerconfigjson"]' '"eyJhdXRocyI6eyJteXJlZ2lzdHJ5LmF6dXJlY3IuaW8iOnsidXNlcm5hbWUiOiJ4IiwicGFzc3dvcmQiOiJ5IiwiYXV0aCI6ImVEcDUifX19"'
status 2 opening sync --exit-code
says recipient-untrusted
pull trust --quiet
status 1 opening sync --exit-code
says "rewrote $first"
grep -q 'sync-wave: "-5"' "repo/$first" || fail 'sync: the annotation is lost'
unchanged opening
echo 'sops updatekeys, rotate, set and edit on our files: we read them, keep what was added, and mend the password'

# What sops encrypts by our .sops.yaml at the place of a Secret is that Secret.
opening show --reveal "$first" >plain.yaml
cp plain.yaml "repo/$first"
status 0 by_sops age encrypt -i "$first"
unchanged opening
creation_rules "$second" >repo/.sops.yaml
status 0 opening updatekeys
for file in "${files[@]}"; do
  by_sops age-second decrypt "$file" >/dev/null || fail "the new recipient cannot open $file"
  status 128 by_sops age decrypt "$file"
done
SOPS_AGE_KEY_FILE=$keys/age-second.txt pull rotate --quiet
by_sops age-second decrypt "$first" >/dev/null
creation_rules "$mine,$second" >repo/.sops.yaml
SOPS_AGE_KEY_FILE=$keys/age-second.txt pull updatekeys --quiet
echo 'sops encrypt with our .sops.yaml; our updatekeys and rotate: only the recipients that are left open a file'

# `show` opens whatever sops makes, in every variant, and shows what sops shows.
compared=0
cat >variants.yaml <<'YAML'
# of the first document
apiVersion: v1 # kept
kind: Secret
metadata: {name: a, annotations: {n_unencrypted: "1"}}
data_secret: x
data:
  a: YQ==
  # encrypt this: nested
  list: [1, 2.5, true, null, "2001-01-01", 2001-01-01T10:00:00Z]
---
apiVersion: v1
kind: Secret
stringData: {empty: "", text: "two\nlines\n"}
YAML
for option in 'encrypted-regex ^(data|stringData)$' 'unencrypted-regex ^(apiVersion|kind|metadata)$' 'encrypted-suffix _secret' \
  'unencrypted-suffix _unencrypted' 'encrypted-comment-regex encrypt.this' 'unencrypted-comment-regex of.the'; do
  for only in false true; do
    printf 'creation_rules: [{age: "%s", %s: "%s", mac_only_encrypted: %s}]\n' "$mine" "$(tr - _ <<<"${option%% *}")" "${option#* }" "$only" >variant.conf
    SOPS_AGE_KEY_FILE=$keys/age.txt sops --config variant.conf encrypt variants.yaml >repo/variant.yaml
    SOPS_AGE_KEY_FILE=$keys/age.txt sops --config variant.conf decrypt repo/variant.yaml >theirs.yaml
    opening show --reveal variant.yaml >ours.yaml
    equal "show of a file by sops with $option, MAC of what is encrypted only: $only" ours.yaml theirs.yaml
  done
done
rm repo/variant.yaml
for program in age rage; do
  for armor in --armor ''; do
    "$program" --encrypt ${armor:+"$armor"} -r "$mine" plain.yaml >repo/theirs.age
    if [[ $armor ]]; then
      opening show --reveal theirs.age >ours.yaml
      equal "show of a file by $program" ours.yaml plain.yaml
    fi
    # As a place of credentials: any age file.
    printf '{"auths": {"myregistry.azurecr.io": {"username": "file", "password": "by-%s"}}}' "$program" |
      "$program" --encrypt ${armor:+"$armor"} -r "$mine" >repo/creds.age
    sed -i 's/- *{env: {username: ACR.*}}\|credentials: \[{env: {username: ACR.*/credentials: [{file: creds.age}]/' repo/.pullcred.yaml
    pull trust --quiet
    opening encrypt --quiet --force
    by_sops age decrypt --extract '["data"][".dockerconfigjson"]' "$first" | base64 -d | grep -q "\"password\":\"by-$program\"" ||
      fail "credentials of $program are not taken"
  done
done
git -C repo checkout -q . && git -C repo clean -qfd
pull trust --quiet
status 0 pull sync
echo "what sops, age and rage make: $compared files shown as they are; credentials taken from age files of both"

# Flux: its generator, its build, which adds labels and annotations, then its decryptor.
opening generate --decrypt clusters/prod/pull-secrets 2>/dev/null >decrypted.yaml
cp -r repo flux
printf 'labels: [{pairs: {added-by: a-build}}]\ncommonAnnotations: {and: this}\n' >>flux/clusters/prod/kustomization.yaml
cat >flux.yaml <<'YAML'
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: shop, namespace: flux-system}
spec:
  interval: 10m
  path: ./clusters/prod
  prune: true
  sourceRef: {kind: GitRepository, name: shop}
  decryption: {provider: sops, secretRef: {name: sops-age}}
YAML
flux-decryptor flux.yaml "$PWD/flux" "$keys/age.txt" >by-flux.yaml
data_of() {
  yq 'select(.kind == "Secret")' "$1" | yq -o json -I 0 '[.metadata.namespace, .metadata.name, .type, .data]' | sort
}
diff <(data_of decrypted.yaml) <(data_of by-flux.yaml) >"$OUT" || fail "Flux opens something else: $(<"$OUT")"
count=$(yq 'select(.kind == "Secret" and .metadata.labels["added-by"] == "a-build" and .metadata.labels["app.kubernetes.io/managed-by"] == "pullcred") | .metadata.name' by-flux.yaml | grep -vc '^---')
((count == ${#files[@]})) || fail "Flux opened $count Secrets"
if flux-decryptor flux.yaml "$PWD/flux" "$keys/age-stranger.txt" >by-stranger.yaml 2>"$OUT"; then fail 'Flux opened them with a key of a stranger'; fi
echo "Flux: its build adds labels and annotations to $count Secrets, its decryptor opens them"

# ServiceAccounts next to the Secrets: kustomize builds them with the rest.
cp -r repo accounts
sed -i 's/^spec:$/spec:\n  inject: {into: both, defaultServiceAccount: true}/' accounts/.pullcred.yaml
status 0 pullcred -C accounts sync
unchanged pullcred -C accounts
kustomize build accounts/clusters/prod | yq 'select(.kind == "ServiceAccount")' >accounts.yaml
[[ $(yq -o json -I 0 '[.metadata.namespace, .metadata.name, [.imagePullSecrets[].name]]' accounts.yaml | sort) == \
  $'["pay","default",["acr-secret","hub"]]\n["shop","default",["acr-secret","hub"]]' ]] || fail "not the ServiceAccounts of the build: $(<accounts.yaml)"

# A cluster takes every one, and holds what kubectl would have made.
opening generate --decrypt clusters/edge 2>/dev/null >edge.yaml
cat >in-cluster.bash <<'BASH'
set -euo pipefail
for namespace in shop pay sensors; do kubectl create namespace "$namespace"; done >/dev/null
kubectl create -f decrypted.yaml -f edge.yaml | tee created
kubectl apply -f by-flux.yaml
kubectl apply -f accounts.yaml
kubectl get secrets -A -l app.kubernetes.io/managed-by=pullcred -o json >in-cluster.json
BASH
"$ROOT/e2e/api-server" bash in-cluster.bash >"$OUT" 2>&1 || fail "the API server refuses: $(<"$OUT")"
yq -p json -o json -I 0 '.items[] | [.metadata.namespace, .metadata.name, .type, .data]' in-cluster.json | sort >there
diff <( (data_of decrypted.yaml; data_of edge.yaml) | sort) there >"$OUT" || fail "the cluster holds something else: $(<"$OUT")"
echo "a real API server accepts $(wc -l <there) Secrets, what Flux would apply, and ServiceAccounts as kustomize builds them"
unchanged pull
unchanged opening
