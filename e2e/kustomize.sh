#!/usr/bin/env bash
# Holds the `deployments` of `pullcred list -o json` against what kustomize builds, and fails on any difference.
#
#   e2e/kustomize.sh [COUNT [SEED]]
#
# Every kustomization of our fixtures and of the corpus is built by the real program, and those of COUNT random repositories (600)
# by its library, which is the same version. Equal arguments give equal repositories. Each tree is listed twice: as it is, and with
# a Flux object for every kustomization, so that bases are build roots as well.
#
# needs: go tar xz
# peers: kustomize
set -euo pipefail

readonly count=${1:-600} seed=${2:-20261122}

# judge TREE [OPTION…]: lists both ways and compares.
judge() {
  local tree=$1
  shift
  pullcred -C "$tree" list -o json >as-it-is.json
  ./judge claim "$tree"
  pullcred -C "$tree" list -o json >claimed.json
  ./judge compare "$@" "$tree" as-it-is.json claimed.json
}

go -C "$ROOT/e2e/kustomize" build -mod=readonly -trimpath -o "$PWD/judge" .

mkdir real
for case in "$ROOT"/fixtures/namespaces/*/; do
  cp -r "$case/in" "real/$(basename "$case")"
done
corpus=$("$ROOT/e2e/corpus")
if [[ $corpus == */target/corpus ]]; then
  cp -r "$corpus"/. real
  chmod -R u+w real
fi
echo 'fixtures and corpus, built by the program'
./judge complete real
judge real -with kustomize

echo "$count random repositories of seed $seed, built by the library"
./judge generate "$count" "$seed" random
judge random
