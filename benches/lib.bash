# What benchmarks of whole processes share: a folder to work in, interleaved measurements, their medians.
# shellcheck shell=bash

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# start PEER…: enters a folder of its own, with a release build and these real programs first on the PATH. The folder is in memory
# where there is room: how long a disk takes to make files durable is no property of the programs. TMPDIR=/tmp measures that too.
start() {
  "$ROOT/e2e/peers" "$@"
  cargo build --quiet --release --locked --manifest-path "$ROOT/Cargo.toml"
  PATH=$ROOT/target/release:$("$ROOT/e2e/peers" --bin):$PATH
  if [[ -z ${TMPDIR:-} && -w /dev/shm ]] && (($(df --output=avail /dev/shm | tail -n 1) > 1000000)); then
    export TMPDIR=/dev/shm
  fi
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  cd "$work"
}

# measure NAME COMMAND…: appends to the file NAME.times the seconds that it took: by the clock, and of the processors.
measure() {
  local TIMEFORMAT='%R %U %S'
  { time "${@:2}" >messages 2>&1; } 2>>"$1.times" || fail "\`${*:2}\` ended with status $?: $(head -n 3 messages)"
}

# median NAME EXPRESSION: of an awk expression over the columns of NAME.times, in milliseconds.
median() {
  awk "{ print ($2) * 1000 }" "$1.times" | sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'
}
