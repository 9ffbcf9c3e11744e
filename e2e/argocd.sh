#!/usr/bin/env bash
# The plugins under the real argocd-cmp-server, driven over its socket as the repo server does it; what docs/argocd.md says is run or
# compared with its source.
# needs: git go sh
# peers: argocd-cmp-server kustomize kubectl yq
set -euo pipefail
: "${ROOT:?started by e2e/run}"
source "$ROOT/e2e/lib/host.bash"

go -C "$ROOT/e2e/cmp-client" build -mod=readonly -o "$PWD/cmp-client" .
servers=()
# The server waits on SIGTERM for requests that nobody will end.
stop() {
  ((${#servers[@]} == 0)) || kill -KILL "${servers[@]}" 2>/dev/null || true
  wait "${servers[@]}" 2>/dev/null || true
  servers=()
}
trap stop EXIT

# serve KIND NAME [VARIABLE=VALUE…]: a server for argocd/KIND/plugin.yaml, as in its sidecar; its log is KIND.log.
serve() {
  rm -rf "$1" && mkdir -p "$1/sockets" "$1/work"
  # Nothing of ours but the PATH: a sidecar has no more.
  env -i PATH="$PATH" HOME="$PWD/$1" TMPDIR="$PWD/$1" ARGOCD_PLUGINSOCKFILEPATH="$PWD/$1/sockets" ARGOCD_CMP_WORKDIR="$PWD/$1/work" \
    "${@:3}" argocd-cmp-server --config-dir-path "$ROOT/argocd/$1" --loglevel "${LOG_LEVEL:-debug}" >"$1.log" 2>&1 &
  servers+=($!)
  local try
  for ((try = 0; try < 200; try++)); do
    [[ ! -S $1/sockets/$2.sock ]] || return 0
    sleep 0.1
  done
  cat "$1.log" >&2
  fail "$1: no socket"
}

# ask KIND METHOD ROOT PATH [NAME=VALUE…]: one request with what Argo CD always sends.
ask() {
  local kind=$1 method=$2 root=$3 path=$4
  shift 4
  ./cmp-client "$kind"/sockets/*.sock "$method" "$root" "$path" ARGOCD_APP_NAME=shop ARGOCD_APP_REVISION=0123456 \
    ARGOCD_APP_SOURCE_REPO_URL=https://git.example.com/shop ARGOCD_APP_SOURCE_PATH="$path" ARGOCD_APP_SOURCE_TARGET_REVISION=main "$@"
}

# matches KIND PATH true|false
matches() {
  status 0 ask "$1" match shop "$2"
  says "supported $3"
}

shop shop
mkdir -p shop/plain/deep shop/other
cp shop/deploy/{web,batch}.yaml shop/plain/
cp -r "$ROOT/fixtures/hosts/chart" shop/chart
printf 'hello: world\n' >shop/other/values.yaml

serve plain pullcred
serve kustomize pullcred-kustomize
serve helm pullcred-helm
status 0 ./cmp-client plain/sockets/pullcred.sock check
says 'discovery true'

# Discovery: the kind of folder decides, and a configuration in it or above it, but not above the repository.
matches plain plain true
matches plain plain/deep true
matches plain . true
matches plain deploy false
matches plain chart false
matches kustomize deploy true
matches kustomize plain false
matches helm chart true
matches helm deploy false
mv shop/.pullcred.yaml shop/plain/pullcred.yaml
matches plain plain true
matches plain plain/deep true
matches plain other false
matches kustomize deploy false
mv shop/plain/pullcred.yaml .
mkdir plain/work/_cmp_server 2>/dev/null || true
cp pullcred.yaml plain/work/pullcred.yaml # above the private copy: somebody else's
matches plain plain false
rm plain/work/pullcred.yaml
mv pullcred.yaml shop/.pullcred.yaml
echo 'discovery: nine folders, three places of the configuration, and none above the repository'

# Generate: what finished files would give.
objects "$ROOT"/fixtures/hosts/out/deploy/{web,batch}.yaml >expected
for git in with without; do
  # Repositories can arrive without `.git` (--plugin-tar-exclude).
  [[ $git == with ]] || mv shop/.git git
  ask plain generate shop plain ARGOCD_APP_NAMESPACE=shop >answer
  diff expected <(objects <(sed "s|^|---\n|" answer)) || fail "plain, $git .git"
  ask kustomize generate shop deploy ARGOCD_APP_NAMESPACE=shop >answer
  diff expected <(objects <(sed "s|^|---\n|" answer)) || fail "kustomize, $git .git"
done
mv git shop/.git
echo 'generate: plain and kustomize as finished files, with and without .git'

ask helm generate shop chart ARGOCD_APP_NAMESPACE=shop KUBE_VERSION=1.33.0 KUBE_API_VERSIONS=v1,apps/v1 >answer
grep -q '"kube":"v1.33.0"' answer || fail 'helm: the version of the cluster is not used'
grep -q '"name":"shop-web"' answer || fail 'helm: the release is not called as the Application'
grep '"kind":"Deployment"' answer | grep -q '"imagePullSecrets":\[{"name":"acr-secret"}\]' || fail 'helm: no pull secret'
grep '"kind":"Job"' answer | grep -q '"acr-secret"' || fail 'helm: no pull secret in the hook'

# Parameters, as Argo CD hands them over.
status 0 ask helm parameters shop chart
says 'parameter values-files'
says 'parameter release-name'
ask helm generate shop chart ARGOCD_APP_NAMESPACE=shop PARAM_RELEASE_NAME=blue PARAM_VALUES_FILES_0=values-quay.yaml >answer
grep '"kind":"Deployment"' answer | grep -q '"blue-web"' || fail 'helm: release-name'
grep '"kind":"Deployment"' answer | grep -q '"quay-secret"' || fail 'helm: values-files'
ask plain generate shop plain ARGOCD_APP_NAMESPACE=shop PARAM_SECRET=regcred >answer
grep '"kind":"Deployment"' answer | grep -q '\[{"name":"regcred"}\]' || fail 'plain: secret'
# Those of the page, under the names that Argo CD makes of them.
mapfile -t parameters < <(documented argocd parameters | yq '.spec.source.plugin.parameters[]
  | ("PARAM_" + (.name | upcase | sub("-"; "_"))) as $name
  | ((select(has("string")) | $name + "=" + .string),
     (select(has("array")) | .array | to_entries[] | $name + "_" + (.key | tostring) + "=" + .value))')
((${#parameters[@]} == 3)) || fail "docs/argocd.md: parameters ${parameters[*]}"
ask helm generate shop chart ARGOCD_APP_NAMESPACE=shop "${parameters[@]}" >answer
grep '"kind":"Deployment"' answer | grep '"blue-web"' | grep -q '\[{"name":"quay"}\]' || fail 'docs/argocd.md: its parameters do something else'
# What an Application says is text, never a command or a file of the sidecar.
# shellcheck disable=SC2016
for value in '$(touch hacked)' '`touch hacked`' '; touch hacked' '"; touch hacked; "'; do
  status 1 ask plain generate shop plain ARGOCD_APP_NAMESPACE=shop PARAM_SECRET="$value"
  status 1 ask helm generate shop chart ARGOCD_APP_NAMESPACE=shop PARAM_VALUES_FILES_0="$value"
  status 1 ask helm generate shop chart ARGOCD_APP_NAMESPACE=shop PARAM_RELEASE_NAME="$value"
done
for file in /etc/passwd ../deploy/web.yaml https://example.com/values.yaml; do
  status 1 ask helm generate shop chart ARGOCD_APP_NAMESPACE=shop PARAM_VALUES_FILES_0="$file"
  says 'not below the Application'
done
[[ -z $(find . -name hacked) ]] || fail 'a parameter was run'
echo 'parameters: announced, used, never run'

# The namespace of the Application is that of the ServiceAccounts that its pods run as.
mkdir shop/account
cat >shop/account/all.yaml <<'YAML'
apiVersion: v1
kind: ServiceAccount
metadata: {name: a, namespace: shop}
imagePullSecrets: [{name: old}]
---
apiVersion: v1
kind: Pod
metadata: {name: a}
spec: {serviceAccountName: a, containers: [{name: a, image: myregistry.azurecr.io/a}]}
YAML
ask plain generate shop account ARGOCD_APP_NAMESPACE=shop >answer
grep '"kind":"Pod"' answer | grep -q '\[{"name":"old"},{"name":"acr-secret"}\]' || fail 'ARGOCD_APP_NAMESPACE is not used'
ask plain generate shop account ARGOCD_APP_NAMESPACE=other >answer
grep '"kind":"Pod"' answer | grep -q '\[{"name":"acr-secret"}\]' || fail 'ARGOCD_APP_NAMESPACE is not used'

# Encrypted Secrets are left out: applied as they are they would be broken ones.
cat >shop/account/secret.yaml <<'YAML'
apiVersion: v1
kind: Secret
metadata: {name: pull}
data: {a: "ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]"}
sops: {mac: "ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]", version: 3.9.0}
YAML
ask plain generate shop account ARGOCD_APP_NAMESPACE=shop >answer
if grep -q ENC answer; then fail 'an encrypted Secret is in the stream'; fi
(($(wc -l <answer) == 2)) || fail 'two objects expected'
grep -q 'is encrypted and was left out' plain.log || fail 'nobody told the log of the encrypted Secret'

# Errors reach the Application; an empty answer would delete what runs.
status 1 ask plain generate shop other ARGOCD_APP_NAMESPACE=shop
says 'no Kubernetes object to print'
printf 'resources: [missing.yaml]\n' >shop/other/kustomization.yaml
status 1 ask kustomize generate shop other ARGOCD_APP_NAMESPACE=shop
says 'missing.yaml'
printf 'a: {{ fail "chart says no" }}\n' >shop/chart/templates/fail.yaml
status 1 ask helm generate shop chart ARGOCD_APP_NAMESPACE=shop
says 'chart says no'
sed -i 's/registries/registires/' shop/.pullcred.yaml
status 1 ask plain generate shop plain ARGOCD_APP_NAMESPACE=shop
says 'did you mean `registries`'
echo 'errors: an empty stream, a broken build, chart and configuration are refused with their message'

# With an identity in the sidecar encrypted Secrets are opened; the sample is that of `quickstart`, as Git has it.
stop
pullcred quickstart sample >quickstart.log 2>&1
mkdir identity && mv sample/age.agekey identity/
mkdir sample/plain && cp sample/overlays/production/registry.sops.yaml sample/plain/
sed 's/^  name: web/&\n  namespace: production/' sample/base/web.yaml >sample/plain/web.yaml
cp -r "$ROOT/fixtures/hosts/chart" sample/chart
printf 'registry: registry.example.com\ntag: v1\n' >sample/chart/values.yaml
{ printf -- '{{- if .Values.tag }}\n'; cat sample/plain/registry.sops.yaml; printf '{{- end }}\n'; } >sample/chart/templates/secret.yaml

# sample KIND PATH: what the plugin answers for the sample.
sample() {
  ask "$1" generate sample "$2" ARGOCD_APP_NAMESPACE=production "${@:3}"
}

serve_all() {
  serve plain pullcred "$@"
  serve kustomize pullcred-kustomize "$@"
  serve helm pullcred-helm "$@"
}

readonly SAMPLES=(plain:plain kustomize:overlays/production helm:chart)
serve_all
for one in "${SAMPLES[@]}"; do
  sample "${one%%:*}" "${one#*:}" >answer
  if grep -q '"kind":"Secret"' answer; then fail "$one: an encrypted Secret is in the stream"; fi
  grep -q '`Secret` `registry` is encrypted and was left out' "${one%%:*}.log" || fail "$one: nobody told the log of the encrypted Secret"
  # An Application cannot switch it on: its variables have a prefix, and its parameters another one.
  sample "${one%%:*}" "${one#*:}" ARGOCD_ENV_PULLCRED_IDENTITY="$PWD/identity/age.agekey" PARAM_PULLCRED_IDENTITY="$PWD/identity/age.agekey" >answer
  if grep -q '"kind":"Secret"' answer; then fail "$one: an Application can switch decryption on"; fi
done
stop
LOG_LEVEL=info serve_all PULLCRED_IDENTITY="$PWD/identity/age.agekey"
for one in "${SAMPLES[@]}"; do
  sample "${one%%:*}" "${one#*:}" >answer
  (($(grep -c '"kind":"Secret"' answer) == 1)) || fail "$one: no Secret"
  if grep -q 'ENC\[\|"sops"' answer; then fail "$one: not all of it is opened"; fi
  [[ $(yq -p json -o yaml 'select(.kind == "Secret") | .data[".dockerconfigjson"] | @base64d' answer) == *made-up-by-quickstart* ]] ||
    fail "$one: another content"
  grep -q '"imagePullSecrets":\[{"name":"registry"}\]' answer || fail "$one: no reference"
  secret=$(yq -p json -o yaml 'select(.kind == "Secret") | .data[".dockerconfigjson"]' answer)
  if grep -qF -e made-up-by-quickstart -e "$secret" "${one%%:*}.log"; then fail "$one: the log holds the credential"; fi
done
echo 'decryption: off unless the sidecar has an identity; then opened by all three, and not in the log'

# What does not open stops everything, and nobody is told more than that.
mv identity/age.agekey own.agekey
cp "$ROOT/crates/sops-age/fixtures/keys/age-stranger.txt" identity/age.agekey
for one in "${SAMPLES[@]}"; do
  status 1 sample "${one%%:*}" "${one#*:}"
  says '`Secret` `registry`'
  says 'none of the identities is a recipient'
  if grep -q 'AGE-SECRET-KEY' "$OUT"; then fail "$one: the key is told"; fi
done
rm identity/age.agekey
for one in "${SAMPLES[@]}"; do
  status 1 sample "${one%%:*}" "${one#*:}"
  says 'identity/age.agekey'
done
mv own.agekey identity/age.agekey
sed -i 's/namespace: production/namespace: other/' sample/plain/registry.sops.yaml
status 1 sample plain plain
says 'MAC'
echo 'decryption: a stranger, a missing identity and a changed Secret are refused'
stop

# The page: its component on a stand-in for the installation of Argo CD, its Secret, its parameters, and the words that it quotes.
mkdir -p install/pullcred && cp -r "$ROOT/argocd" install/pullcred/
cat >install/repo-server.yaml <<'YAML'
apiVersion: apps/v1
kind: Deployment
metadata: {name: argocd-repo-server}
spec:
  selector: {matchLabels: {app: argocd-repo-server}}
  template:
    metadata: {labels: {app: argocd-repo-server}}
    spec:
      containers: [{name: argocd-repo-server, image: argocd}]
      volumes: [{name: var-files, emptyDir: {}}, {name: plugins, emptyDir: {}}]
YAML
for title in kustomization 'kustomization with decryption'; do
  documented argocd "$title" | sed 's|https://.*/install.yaml|repo-server.yaml|' >install/kustomization.yaml
  kustomize build install >built.yaml
  yq 'select(.kind == "Deployment") | .spec.template.spec.containers[] | select(.name == "pullcred*") | .name + " " + .image' built.yaml >sidecars
  diff sidecars - <<'TEXT' || fail "$title: other sidecars"
pullcred registry.example.com/pullcred-argocd
pullcred-kustomize registry.example.com/pullcred-argocd
pullcred-helm registry.example.com/pullcred-argocd
TEXT
  config=$(yq 'select(.kind == "ConfigMap") | .metadata.name' built.yaml)
  [[ $(yq 'select(.kind == "Deployment") | .spec.template.spec.volumes[] | select(.name == "pullcred-plugins") | .configMap.name' built.yaml) == "$config" ]] ||
    fail "$title: the plugins are not mounted"
  count=$(yq 'select(.kind == "Deployment")' built.yaml | grep -c 'name: PULLCRED_IDENTITY' || true)
  if [[ $title == kustomization ]]; then ((count == 0)); else ((count == 3)); fi || fail "$title: $count identities"
done
# The file that is mounted is that of the Secret.
path=$(yq 'select(.kind == "Deployment") | .spec.template.spec.containers[] | select(.name == "pullcred") | .env[0].value' built.yaml)
(cd identity && bash -euo pipefail -c "$(documented argocd identity) --dry-run=client --output yaml") >secret.yaml
[[ $(yq '.metadata.name + "/" + (.data | keys | .[0])' secret.yaml) == \
  "$(yq 'select(.kind == "Deployment") | .spec.template.spec.volumes[] | select(.name == "pullcred-identity") | .secret.secretName' built.yaml)/${path##*/}" ]] ||
  fail 'the identity is not where the sidecars look for it'
source=$(GOTOOLCHAIN=auto go -C "$ROOT/e2e/wrappers/argocd-cmp-server" list -mod=readonly -m -f '{{.Dir}}' github.com/argoproj/argo-cd/v3)
words() { tr -s ' \n' ' '; }
quoted=$(sed -n 's/^> \{0,1\}//p' "$ROOT/docs/argocd.md" | words)
[[ -n $quoted && $(words <"$source/docs/operator-manual/secret-management.md") == *"$quoted"* ]] || fail 'docs/argocd.md does not quote Argo CD'
echo 'docs/argocd.md: components, Secret and quotation are as it says'
