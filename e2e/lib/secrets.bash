# What the checks of Secrets share: a sample repository with two clusters, its credentials and its keys.
# shellcheck shell=bash

source "$ROOT/e2e/lib/host.bash"

readonly keys=$ROOT/crates/sops-age/fixtures/keys
mine=$(age-keygen -y "$keys/age.txt")
second=$(age-keygen -y "$keys/age-second.txt")
stranger=$(age-keygen -y "$keys/age-stranger.txt")
readonly mine second stranger
export SOPS_DISABLE_VERSION_CHECK=1
# Characters that JSON, YAML, shells and HTML treat in a way of their own.
export ACR_USERNAME='bot 4711 #1' ACR_PASSWORD=$'p&ss<w>\u00f6rd "quoted" \\back $HOME %41:colon\u2028'
export HUB_USERNAME=team HUB_PASSWORD="it's/+=="

# repository FOLDER: two clusters. `prod` is a kustomize build of two namespaces with SOPS files for the recipients of
# .sops.yaml; `edge` a plain folder with age files.
repository() {
  local namespace
  git init -q "$1"
  mkdir -p "$1"/{base,clusters/{prod,edge}}
  for namespace in shop pay; do
    mkdir -p "$1/overlays/$namespace"
    printf 'namespace: %s\nresources: [../../base]\n' "$namespace" >"$1/overlays/$namespace/kustomization.yaml"
  done
  workload web >"$1/base/web.yaml"
  workload probe sensors >"$1/clusters/edge/probe.yaml"
  printf 'resources: [web.yaml]\n' >"$1/base/kustomization.yaml"
  printf '# kept\nresources:\n- ../../overlays/shop\n- ../../overlays/pay # and this\n' >"$1/clusters/prod/kustomization.yaml"
  creation_rules "$mine" >"$1/.sops.yaml"
  cat >"$1/.pullcred.yaml" <<YAML
apiVersion: pullcred.dev/v1alpha1
kind: PullCredentials
spec:
  secrets:
    - name: acr-secret
      registries: [myregistry.azurecr.io]
      credentials: [{env: {username: ACR_USERNAME, password: ACR_PASSWORD}}]
    - name: hub
      registries: [docker.io/team]
      credentials: [{env: {username: HUB_USERNAME, password: HUB_PASSWORD}}]
  targets:
    - paths: [clusters/prod]
      output: "clusters/prod/pull-secrets/{namespace}/{name}.sops.yaml"
    - paths: [clusters/edge]
      output: "clusters/edge/pull-secrets/{namespace}/{name}.yaml.age"
      format: age
      recipients: [$mine, "$(cut -d' ' -f1,2 "$keys/ssh_ed25519.pub")"]
YAML
  pullcred -C "$1" trust --quiet
}

# creation_rules RECIPIENTS: comma-separated.
creation_rules() {
  printf 'creation_rules:\n  - path_regex: \\.sops\\.yaml$\n    encrypted_regex: ^(data|stringData)$\n    age: "%s"\n' "$1"
}

# workload NAME [NAMESPACE]
workload() {
  cat <<YAML
apiVersion: apps/v1
kind: Deployment
metadata:
  name: $1${2:+
  namespace: $2}
spec:
  selector: {matchLabels: {app: $1}}
  template:
    metadata: {labels: {app: $1}}
    spec:
      containers:
        - {name: app, image: "myregistry.azurecr.io/$1:1"}
        - {name: side, image: team/side:2}
YAML
}
