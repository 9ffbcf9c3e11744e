#!/usr/bin/env bash
# Speed and memory of the whole program beside other programs, measured in one interleaved run; prints the table of
# docs/performance.md.
#
#   benches/compare.sh [ROUNDS]
#
# - `check` of a clean tree of 30,000 files and more, one secret for every image, beside `cat` of the same files;
# - `inject` into every file that has a pod spec, beside `yq -i` on the same files, two at a time.
# The rounds alternate between the programs, so that a busy machine harms both; the medians are compared. Files are in memory.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$ROOT/benches/lib.bash"
readonly ROOT rounds=${1:-7} wanted=30000 secret=regcred
# The built-in places of a pod spec; start-up dominates, so a longer expression would cost the same.
readonly expression='
  with(select(.spec.template.spec.containers); .spec.template.spec.imagePullSecrets += [{"name": "regcred"}]) |
  with(select(.kind == "Pod"); .spec.imagePullSecrets += [{"name": "regcred"}]) |
  with(select(.kind == "CronJob"); .spec.jobTemplate.spec.template.spec.imagePullSecrets += [{"name": "regcred"}])'

manifests() {
  find "$1" -type f \( -name '*.yaml' -o -name '*.yml' -o -name '*.json' \) "${@:2}"
}

# peak COMMAND…: its greatest resident memory in MB.
peak() {
  command time --format '%M' --output "$work/peak.kb" "$@" >/dev/null || fail "\`$*\` ended with status $?"
  awk '{ printf "%.1f", $1 / 1024 }' "$work/peak.kb"
}

ratio() {
  awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'
}

read_all() {
  manifests clean -print0 | xargs -0 cat >/dev/null
}

check_all() {
  (cd clean && pullcred check --quiet --secret "$secret" >/dev/null)
}

inject_workloads() {
  (cd workloads && pullcred inject --quiet --secret "$secret")
}

# A fresh copy, all of it on the disk: what is written later must not wait for it.
renew() {
  rm -rf workloads
  cp -r pristine workloads
  sync
}

yq_workloads() {
  # Some real manifests are beyond yq; what it can do is enough for its time.
  (cd workloads && manifests . -print0 | xargs -0 -n 1 -P 2 yq -i "$expression" 2>/dev/null) || true
}

prepare() {
  local corpus count copies broken i
  corpus=$("$ROOT/e2e/corpus")
  count=$(manifests "$corpus" | wc -l)
  copies=$(((wanted + count - 1) / count))
  # A clean tree has no finding; the corpus has a few files that are broken, or hold a credential, on purpose.
  cp -r "$corpus" once
  pullcred -C once inject --quiet --secret "$secret" 2>messages || true
  # What takes in a file that is gone is broken next.
  local more=()
  broken=()
  while mapfile -t more < <(pullcred -C once check --quiet --secret "$secret" 2>messages | sed -n 's/^error: \([^:]*\):[0-9].*/\1/p' | sort -u) && ((${#more[@]} > 0)); do
    (cd once && rm -- "${more[@]}")
    broken+=("${more[@]}")
  done
  mkdir clean pristine
  for ((i = 1; i <= copies; i++)); do
    cp -r "$corpus" "clean/$i"
    ((${#broken[@]} == 0)) || (cd "clean/$i" && rm -- "${broken[@]}")
  done
  inject_peak=$(cd clean && peak pullcred inject --quiet --secret "$secret")
  # The files with a pod spec are those that the injection changed.
  cd "$corpus"
  manifests . -print0 | while IFS= read -r -d '' file; do
    cmp -s "$file" "$work/once/$file" || [[ ! -e $work/once/$file ]] || cp --parents "$file" "$work/pristine"
  done
  cd "$work"
}

report() {
  local cat check inject yq
  cat=$(median cat '$1') check=$(median check '$1') inject=$(median inject '$1') yq=$(median yq '$1')
  printf '\n%s, %d threads; pullcred %s; %s; medians of %d rounds\n\n' \
    "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(pullcred --version | cut -d' ' -f2)" \
    "$(yq --version | sed 's/.*version/yq/')" "$rounds"
  printf '| what | files | MB | time | processor time | compared |\n|---|---|---|---|---|---|\n'
  row cat clean 'read all: `find … | xargs cat`' 1
  row check clean '`pullcred check`, clean' "$(ratio "$check" "$cat") × the reading"
  row yq pristine '`yq -i`, two at a time' 1
  row inject pristine '`pullcred inject`' "$(ratio "$yq" "$inject") times as fast"
  printf '\nPeak memory: check %s MB, inject into all %s MB.\n' "$check_peak" "$inject_peak"
}

# row NAME TREE TITLE COMPARED
row() {
  printf '| %s | %d | %.0f | %.0f ms | %.0f ms | %s |\n' "$3" "$(manifests "$2" | wc -l)" \
    "$(manifests "$2" -printf '%s\n' | awk '{ sum += $1 } END { print sum / 1e6 }')" \
    "$(median "$1" '$1')" "$(median "$1" '$2 + $3')" "$4"
}

main() {
  local tool round
  for tool in go cargo xargs time; do
    type -P "$tool" >/dev/null || fail "\`$tool\` is needed and is not on the PATH"
  done
  start yq
  prepare
  for ((round = 0; round <= rounds; round++)); do
    measure cat read_all
    measure check check_all
    renew
    measure inject inject_workloads
    renew
    measure yq yq_workloads
    ((round > 0)) || rm -- *.times # the first round only warms up
  done
  check_peak=$(cd clean && peak pullcred check --quiet --secret "$secret")
  report
}

main "$@"; exit
