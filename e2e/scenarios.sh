#!/usr/bin/env bash
# The scenarios as their READMEs tell, line by line in a shell, with the programs of others that they name; real sops opens what comes out,
# and what kubectl makes is what we make. tests/integration/scenarios.rs judges the changes themselves.
# needs: git
# peers: sops kubectl yq
set -euo pipefail
: "${ROOT:?started by e2e/run}"
source "$ROOT/e2e/lib/host.bash"
export DOCKER_CONFIG=$PWD/nobody

# lines FOLDER: the commands of its README. kubectl asks no cluster here: it prints what it would create.
lines() {
  sed -n 's/^\$ //p' "$1/README.md" | sed '/^kubectl create /s/$/ --dry-run=client --output yaml >>..\/made-by-kubectl.yaml; echo --- >>..\/made-by-kubectl.yaml/'
}

count=0 secrets=0
for scenario in "$ROOT"/scenarios/*/; do
  name=$(basename "$scenario")
  cp -r "$scenario" "$name"
  rm "$name"/expected.*
  git -C "$name" init -q
  commit "$name"
  lines "$name" >"$name.sh"
  (($(wc -l <"$name.sh") >= 2)) || fail "$name: no commands"
  status 0 env -C "$name" bash -euo pipefail "../$name.sh"
  count=$((count + 1))
  while read -r file; do
    SOPS_AGE_KEY_FILE=$name/TEST-ONLY.agekey sops decrypt "$file" >opened.yaml
    yq '.data[".dockerconfigjson"] | @base64d' opened.yaml | grep -q made-up || fail "$file: not the credential"
    secrets=$((secrets + 1))
    [[ $name != kubectl-create-secret ]] || { yq 'del(.metadata.labels)' opened.yaml && echo ---; } >>ours.yaml
  done < <(find "$name" -name '*.sops.yaml')
done
((count >= 7 && secrets >= count)) || fail "$count scenarios, $secrets Secrets"
diff <(objects made-by-kubectl.yaml) <(objects ours.yaml) ||
  fail 'kubectl creates other Secrets than we do'
printf '%d scenarios, %d Secrets opened by sops; those of kubectl are the same, byte for byte in their data\n' "$count" "$secrets"
