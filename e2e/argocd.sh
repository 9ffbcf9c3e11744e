#!/usr/bin/env bash
# The plugins under the real argocd-cmp-server, driven over its socket as the repo server does it.
# needs: git go sh
# peers: argocd-cmp-server kustomize helm3 yq
set -euo pipefail
: "${ROOT:?started by e2e/run}"
source "$ROOT/e2e/lib/host.bash"

go -C "$ROOT/e2e/cmp-client" build -mod=readonly -o "$PWD/cmp-client" .
mkdir bin && ln -s "$(command -v helm3)" bin/helm
PATH=$PWD/bin:$PATH
servers=()
# The server waits on SIGTERM for requests that nobody will end.
trap 'kill -KILL "${servers[@]}" 2>/dev/null || true' EXIT

# serve KIND NAME: a server for argocd/KIND/plugin.yaml, as in its sidecar; its log is KIND.log.
serve() {
  mkdir -p "$1/sockets" "$1/work"
  # Nothing of ours but the PATH: a sidecar has no more.
  env -i PATH="$PATH" HOME="$PWD/$1" TMPDIR="$PWD/$1" ARGOCD_PLUGINSOCKFILEPATH="$PWD/$1/sockets" ARGOCD_CMP_WORKDIR="$PWD/$1/work" \
    argocd-cmp-server --config-dir-path "$ROOT/argocd/$1" --loglevel debug >"$1.log" 2>&1 &
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
