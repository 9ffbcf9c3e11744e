#!/usr/bin/env bash
# Decides the same images and registry keys by the kubelet's own keyring and by pullcred, and fails on any difference.
#
#   e2e/keyring.sh [CASES [SEED]]
#
# The cases are the rows of crates/kubelet-keyring/fixtures/tables, then CASES random ones (150000, about 300,000 pairs of a key and an image). Equal
# arguments give equal cases. Go fetches the toolchain that the kubelet of this release is built with: what counts as a URL depends
# on it. Cases and decisions stay in target/e2e/keyring.
#
# needs: go cargo
set -euo pipefail

readonly GO_OF_THE_KUBELET=go1.26.10 # `.go-version` of the Kubernetes release in e2e/keyring/go.mod
readonly LEAST_PAIRS=200000 LEAST_SHARE=20

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly cases=${1:-150000} seed=${2:-20260801} work=$PWD/target/e2e/keyring

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

build() {
  mkdir -p "$work"
  GOTOOLCHAIN=$GO_OF_THE_KUBELET CGO_ENABLED=0 go -C e2e/keyring build -mod=readonly -trimpath -o "$work/kubelet" . >&2
  cargo build --quiet --locked --package kubelet-keyring --example image_match
}

decide() {
  "$work/kubelet" generate "$cases" "$seed" crates/kubelet-keyring/fixtures/tables/*.tsv >"$work/cases.jsonl"
  "$work/kubelet" decide <"$work/cases.jsonl" >"$work/by-kubelet.tsv"
  "${CARGO_TARGET_DIR:-target}/debug/examples/image_match" <"$work/cases.jsonl" >"$work/by-pullcred.tsv"
}

# Shows the first cases that are decided differently; succeeds when there are some.
differences() {
  ! cmp -s "$work/by-kubelet.tsv" "$work/by-pullcred.tsv" || return 1
  paste -d '\n' "$work/cases.jsonl" "$work/by-kubelet.tsv" "$work/by-pullcred.tsv" |
    awk 'NR % 3 == 1 { asked = $0 }
         NR % 3 == 2 { kubelet = $0 }
         NR % 3 == 0 && kubelet != $0 && ++count <= 10 { print "case     " asked "\nkubelet  " kubelet "\npullcred " $0 "\n" }
         END { print count + 0 " of " NR / 3 " cases differ" }' >&2
}

# Prints the counts, and fails when the random cases have become too few or too tame to prove anything.
summary() {
  awk -F '\t' -v seed="$seed" -v least="$LEAST_PAIRS" -v share="$LEAST_SHARE" '
    {
      invalid += $1 == "invalid"
      keys = length($2)
      pairs += keys
      rings += keys > 1
      ordered += split($3, order, " ") > 1
      served += gsub(/\+/, "", $2)
      refused += gsub(/x/, "", $2)
    }
    END {
      printf "seed %s: %d cases, %d pairs of a key and an image, no difference\n", seed, NR, pairs
      printf "  pairs that match        %7d (%d %%)\n", served, 100 * served / pairs
      printf "  keys that are no URL    %7d\n", refused
      printf "  invalid images          %7d of %d\n", invalid, NR
      printf "  keyrings of many keys   %7d, %d with an order to keep\n", rings, ordered
      if (pairs < least || 100 * served < share * pairs) {
        printf "error: fewer than %d pairs, or fewer than %d %% of them match\n", least, share >"/dev/stderr"
        exit 1
      }
    }' "$work/by-kubelet.tsv"
}

build
decide
if differences; then
  fail "pullcred and the kubelet disagree (seed $seed)"
fi
summary
