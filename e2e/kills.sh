#!/usr/bin/env bash
# Runs that are killed while they write: no file is torn, no credential is left in clear, Git sees nothing of it, and the next run
# finishes and leaves nothing behind. KILLS is the number of kills for each command.
# needs: git
# peers: sops age-keygen
set -euo pipefail
: "${ROOT:?started by e2e/run}"
source "$ROOT/e2e/lib/secrets.bash"

readonly kills=${KILLS:-40} namespaces=24
export ACR_PASSWORD=first-password-that-nobody-may-see SOPS_AGE_KEY_FILE=$keys/age.txt

# milliseconds COMMAND…: how long it takes.
milliseconds() {
  local began=${EPOCHREALTIME/./}
  "$@" >"$OUT" 2>&1
  printf '%d' $(((${EPOCHREALTIME/./} - began) / 1000))
}

# killed LIMIT COMMAND…: runs it and kills it at any moment of the first LIMIT milliseconds.
killed() {
  local limit=$1 pid
  shift
  "$@" >"$OUT" 2>&1 &
  pid=$!
  sleep "0.$(printf '%03d' $((RANDOM % limit)))"
  kill -KILL "$pid" 2>/dev/null && struck=$((struck + 1))
  wait "$pid" 2>/dev/null || true
}

# judged FOLDER CLEAR: every Secret there is whole; in clear only where it still is what it was in the folder CLEAR, if there is one.
judged() {
  local file
  [[ -z $(git -C "$1" status --porcelain --untracked-files=all | grep -F '.pullcred-' || true) ]] || fail 'Git sees a temporary file'
  while IFS= read -r file; do
    tail -n 1 "$file" | grep -q '^    version: ' || { [[ -n $2 ]] && cmp -s "$file" "$2${file#"$1"}"; } || fail "$file is torn"
  done < <(find "$1" -path "$1/.git" -prune -o -name '?*.sops.yaml' -print)
  while IFS= read -r file; do
    [[ $(tail -n 1 "$file") == '-----END AGE ENCRYPTED FILE-----' ]] || fail "$file is torn"
  done < <(find "$1" -path "$1/.git" -prune -o -name '*.age' -print)
  if [[ -z $2 ]] && grep -rqF -e "$ACR_PASSWORD" "$1"; then fail "a credential is in clear: $(grep -rlF -e "$ACR_PASSWORD" "$1")"; fi
  if grep -rqF -e "$ACR_PASSWORD" "$1/.git"; then fail 'a credential is in clear in .git'; fi
}

# finished FOLDER COMMAND…: the next run ends well and leaves nothing behind.
finished() {
  local folder=$1
  shift
  status 0 "$@"
  [[ -z $(find "$folder" -name '.pullcred-*') ]] || fail "left behind: $(find "$folder" -name '.pullcred-*')"
}

repository repo
for ((nth = 0; nth < namespaces; nth++)); do workload web "team-$nth" >"repo/clusters/prod/web-$nth.yaml"; done
printf 'resources: [../../overlays/shop, ../../overlays/pay%s]\n' "$(printf ', web-%d.yaml' $(seq 0 $((namespaces - 1))))" >repo/clusters/prod/kustomization.yaml
pullcred -C repo trust --quiet
status 0 pullcred -C repo sync

struck=0
ACR_PASSWORD=password-0-that-nobody-may-see
limit=$(milliseconds pullcred -C repo sync)
for ((nth = 1; nth <= kills; nth++)); do
  ACR_PASSWORD=password-$nth-that-nobody-may-see
  killed "$((limit + 5))" pullcred -C repo sync
  judged repo ''
  finished repo pullcred -C repo sync
done
status 0 pullcred -C repo check --identity "$keys/age.txt"
echo "sync: $struck of $kills runs killed (a run takes $limit ms), every file whole, nothing in clear, nothing left"

struck=0
limit=$(milliseconds pullcred -C repo rotate --identity "$keys/age.txt")
for ((nth = 1; nth <= kills; nth++)); do
  killed "$((limit + 5))" pullcred -C repo rotate --identity "$keys/age.txt"
  judged repo ''
  finished repo pullcred -C repo rotate --identity "$keys/age.txt"
done
status 0 pullcred -C repo check --identity "$keys/age.txt"
echo "rotate: $struck of $kills runs killed (a run takes $limit ms)"

# What stands in clear is in no commit, so that Git's own objects do not hold it.
git init -q clear
creation_rules "$mine" >clear/.sops.yaml
mkdir clear/apps
for ((nth = 0; nth < namespaces; nth++)); do
  cat >"clear/apps/$nth.sops.yaml" <<YAML
apiVersion: v1
kind: Secret
metadata: {name: regcred, namespace: team-$nth}
type: kubernetes.io/dockerconfigjson
stringData:
  .dockerconfigjson: '{"auths": {"myregistry.azurecr.io": {"username": "bot", "password": "$ACR_PASSWORD"}}}'
YAML
done
cp -r clear adopted
struck=0
limit=$(milliseconds pullcred -C adopted adopt)
for ((nth = 1; nth <= kills; nth++)); do
  cp clear/apps/* adopted/apps/
  killed "$((limit + 5))" pullcred -C adopted adopt
  judged adopted clear
  finished adopted pullcred -C adopted adopt
  judged adopted ''
done
for file in adopted/apps/*; do sops decrypt "$file" | grep -qF "$ACR_PASSWORD" || fail "$file does not open"; done
echo "adopt: $struck of $kills runs killed (a run takes $limit ms)"
