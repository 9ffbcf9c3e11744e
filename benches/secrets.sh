#!/usr/bin/env bash
# `pullcred encrypt` of 1,000 namespaces for three recipients beside shell loops over the real programs, in one interleaved run;
# prints the table of docs/performance.md and fails when encrypting takes longer than 2 s by the clock or is less than twenty times
# as fast as `sops encrypt`, which even a machine shows that is busy with other work.
#
#   benches/secrets.sh [ROUNDS]
#
# One loop encrypts Secrets that are there already, the other one makes each with kubectl first. Both take a sample of 100, of the
# same content and for the same recipients; their time for 1,000 is ten times that.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$ROOT/benches/lib.bash"
readonly ROOT rounds=${1:-5} namespaces=1000 sample=100 limit_ms=2000 times_as_fast=20
export ACR_USERNAME=bot ACR_PASSWORD=s3cret-Pa55word SOPS_DISABLE_VERSION_CHECK=1

prepare() {
  local nth recipient recipients=()
  for nth in 1 2 3; do
    age-keygen -o "key.$nth" 2>/dev/null
    recipients+=("$(age-keygen -y "key.$nth")")
  done
  recipient=$(IFS=,; printf '%s' "${recipients[*]}")
  mkdir -p repo/.git repo/deploy plain
  printf 'creation_rules: [{encrypted_regex: "^(data|stringData)$", age: "%s"}]\n' "$recipient" | tee repo/.sops.yaml >.sops.yaml
  cat >repo/.pullcred.yaml <<'YAML'
apiVersion: pullcred.dev/v1alpha1
kind: PullCredentials
spec:
  secrets:
    - name: acr-secret
      registries: [myregistry.azurecr.io]
      credentials: [{env: {username: ACR_USERNAME, password: ACR_PASSWORD}}]
YAML
  for ((nth = 1; nth <= namespaces; nth++)); do
    cat >"repo/deploy/n$nth.yaml" <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: n$nth}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "myregistry.azurecr.io/web:1"}]
YAML
  done
  pullcred -C repo encrypt --quiet
  for ((nth = 1; nth <= sample; nth++)); do
    SOPS_AGE_KEY_FILE=key.1 sops decrypt "repo/pull-secrets/n$nth/acr-secret.sops.yaml" >"plain/n$nth.yaml"
  done
}

encrypt_all() {
  pullcred -C repo encrypt --quiet
}

loop() {
  local file
  for file in plain/*.yaml; do
    sops encrypt --output "encrypted/${file#plain/}" "$file"
  done
}

loop_with_kubectl() {
  local nth
  for ((nth = 1; nth <= sample; nth++)); do
    kubectl create secret docker-registry acr-secret --namespace "n$nth" --dry-run=client --output yaml \
      --docker-server myregistry.azurecr.io --docker-username "$ACR_USERNAME" --docker-password "$ACR_PASSWORD" |
      sops encrypt --filename-override "n$nth.yaml" --output "encrypted/n$nth.yaml" /dev/stdin
  done
}

# scaled NAME EXPRESSION: the median, for as many Secrets as there are namespaces.
scaled() {
  awk -v ms="$(median "$1" "$2")" -v n=$namespaces -v s=$sample 'BEGIN { printf "%.0f", ms * n / s }'
}

# row NAME TITLE
row() {
  printf '| %s | %d ms | %d ms | %.0f times as fast | %d of %d files changed |\n' "$2" "$(scaled "$1" '$1')" \
    "$(scaled "$1" '$2 + $3')" "$(awk -v a="$(scaled "$1" '$1')" -v b="$ours" 'BEGIN { print a / b }')" "$changed" $sample
}

# state FOLDER: what changes when a byte does.
state() {
  find "$1" -name '*.yaml' -exec sha256sum {} + | sort
}

main() {
  local tool round ours again kept changed
  for tool in go cargo; do
    command -v "$tool" >/dev/null || fail "\`$tool\` is needed and is not on the PATH"
  done
  start sops age-keygen kubectl
  prepare
  mkdir encrypted
  for ((round = 1; round <= rounds; round++)); do
    rm -rf repo/pull-secrets repo/.git/pullcred
    measure ours encrypt_all
    measure sops loop
    measure kubectl loop_with_kubectl
    state repo/pull-secrets >before
    measure again encrypt_all
    kept=$(comm -12 before <(state repo/pull-secrets) | wc -l)
  done
  state encrypted >before
  loop
  changed=$(comm -13 before <(state encrypted) | wc -l)
  ((kept == namespaces)) || fail "a second run left $kept of $namespaces Secrets as they were"
  ours=$(median ours '$1') again=$(median again '$1')
  printf '%s, %d threads; %s; sops %s; medians of %d rounds\n\n' "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" \
    "$(nproc)" "$(pullcred --version)" "$(sops --version | head -n 1 | cut -d' ' -f2)" "$rounds"
  printf '| 1,000 Secrets, 3 recipients each | by the clock | processor time | compared | second run |\n|---|---|---|---|---|\n'
  printf '| `pullcred encrypt` | %.0f ms | %.0f ms | | %.0f ms, no file changed |\n' "$ours" "$(median ours '$2 + $3')" "$again"
  row sops 'loop over `sops encrypt`, ten times 100'
  row kubectl 'loop over `kubectl create secret … \| sops encrypt`, ten times 100'
  awk -v a="$(scaled sops '$1')" -v b="$ours" -v limit=$limit_ms -v least=$times_as_fast 'BEGIN { exit !(b < limit && a >= least * b) }' ||
    fail "the limits are $limit_ms ms and $times_as_fast times the speed of sops"
}

main "$@"; exit
