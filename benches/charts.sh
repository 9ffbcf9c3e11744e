#!/usr/bin/env bash
# Charts: `pullcred generate` beside `helm template` over all charts of a folder, whole processes one after the other, interleaved in one
# run; and a check of 300 HelmReleases whose charts lie in the repository. Prints the rows of docs/performance.md.
#
#   benches/charts.sh [FOLDER] [ROUNDS]
#
# FOLDER holds charts as folders, at any depth; without one the charts of the tests are taken, which are small.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$ROOT/benches/lib.bash"
folder=$(cd "${1:-$ROOT/crates/offline-helm/fixtures/charts}" && pwd)
readonly ROOT folder rounds=${2:-5} releases=300

# found: the charts that Helm renders with their default values.
found() {
  local file chart last=/
  while IFS= read -r file; do
    chart=${file%/Chart.yaml}
    # A chart within another one is rendered with it.
    if [[ $chart/ == "$last"/* ]]; then continue; fi
    last=$chart
    if helm3 template bench "$chart" --kube-version 1.35.0 >/dev/null 2>&1; then printf '%s\n' "$chart"; fi
  done < <(find "$folder" -name Chart.yaml | sort)
}

by_helm() {
  local chart
  for chart in "${charts[@]}"; do helm3 template bench "$chart" --kube-version 1.35.0 >/dev/null; done
}

by_us() {
  local chart
  for chart in "${charts[@]}"; do pullcred generate --quiet --release-name bench --kube-version 1.35.0 "$chart" >/dev/null; done
}

# repository: HelmReleases that take the charts in turn.
repository() {
  local nth chart
  mkdir -p repo/.git repo/charts repo/apps
  printf '[remote "origin"]\n\turl = https://example.com/acme/fleet\n' >repo/.git/config
  cat >repo/apps/source.yaml <<'YAML'
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet, namespace: flux-system}
spec: {interval: 1h, url: "https://example.com/acme/fleet"}
YAML
  for ((nth = 0; nth < ${#charts[@]}; nth++)); do cp -r "${charts[nth]}" "repo/charts/c$nth"; done
  for ((nth = 0; nth < releases; nth++)); do
    chart=c$((nth % ${#charts[@]}))
    cat >"repo/apps/r$nth.yaml" <<YAML
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: r$nth, namespace: n$((nth % 20))}
spec:
  interval: 1h
  chart: {spec: {chart: ./charts/$chart, sourceRef: {kind: GitRepository, name: fleet, namespace: flux-system}}}
  values: {bench: $nth}
YAML
  done
}

check() {
  pullcred -C repo check --quiet --secret regcred || (($? == 1))
}

start helm3
mapfile -t charts < <(found)
((${#charts[@]} > 0)) || fail "no chart of $folder is rendered by Helm"
repository
for ((round = 0; round < rounds; round++)); do
  measure helm by_helm
  measure pullcred by_us
  measure check check
done
helm=$(median helm '$1') ours=$(median pullcred '$1')
printf '| what | charts | time | compared |\n|---|---|---|---|\n'
printf '| `helm template`, one process for each | %d | %.0f ms | 1 |\n' "${#charts[@]}" "$helm"
printf '| `pullcred generate`, one process for each | %d | %.0f ms | %.1f times as fast |\n' "${#charts[@]}" "$ours" \
  "$(awk "BEGIN { print $helm / $ours }")"
printf '| `pullcred check`, %d HelmReleases of these charts | %d | %.0f ms, %.0f ms of the processors | |\n' "$releases" "${#charts[@]}" \
  "$(median check '$1')" "$(median check '$2 + $3')"
