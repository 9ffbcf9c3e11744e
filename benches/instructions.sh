#!/usr/bin/env bash
# Instructions per byte of a clean check, by valgrind's callgrind: the same number on every machine, however busy.
#
#   benches/instructions.sh [FOLDER]     counts over FOLDER, or over a made-up repository of 2,000 files
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v valgrind > /dev/null || { echo 'instructions.sh: valgrind is missing' >&2; exit 1; }
cargo build --quiet --profile profiling

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ $# -gt 0 ]; then
  cp -r -- "$1" "$work/tree"
else
  mkdir "$work/tree"
  for n in $(seq 2000); do
    if [ $((n % 5)) = 0 ]; then
      printf 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web-%s}\nspec:\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      containers:\n      - name: web\n        image: registry.example.com/web:%s\n        args: [--port, "8080"]\n' "$n" "$n"
    else
      printf 'apiVersion: v1\nkind: Service\nmetadata:\n  name: web-%s\nspec:\n  selector: {app: web}\n  ports:\n  - {name: http, port: 80, targetPort: 8080}\n' "$n"
    fi > "$work/tree/$n.yaml"
  done
fi

program=target/profiling/pullcred
"$program" -C "$work/tree" inject -q --secret regcred > /dev/null 2>&1 || true
bytes=$(find "$work/tree" -type f \( -name '*.yaml' -o -name '*.yml' -o -name '*.json' \) -print0 | xargs -0 cat | wc -c)
valgrind --tool=callgrind --callgrind-out-file="$work/out" \
  "$program" -C "$work/tree" check -q -j1 --secret regcred > /dev/null 2> "$work/log" || true
total=$(awk '/refs:/ {gsub(",", "", $NF); print $NF}' "$work/log")
[ -n "$total" ] || { cat "$work/log" >&2; exit 1; }
share() {
  callgrind_annotate --inclusive=yes --threshold=100 "$work/out" | awk -v name="$1" 'index($0, name) {gsub(",", "", $1); print $1; exit}'
}
printf '%-28s %14s %s\n' part instructions 'per byte'
row() { printf '%-28s %14s %s\n' "$1" "$2" "$(awk -v a="$2" -v b="$bytes" 'BEGIN {printf "%.1f", a / b}')"; }
row 'clean check, whole run' "$total"
row 'parsing' "$(share 'lossless_yaml::parse::parse')"
row 'dividing into documents' "$(share 'lossless_yaml::split::split')"
row 'which documents matter' "$(share 'src/objects/read/relevance.rs:')"
row 'what files are about' "$(share 'pullcred::objects::marks::Marks::of')"
printf '%s bytes of manifests\n' "$bytes"
