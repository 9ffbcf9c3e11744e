#!/usr/bin/env bash
# One secret for every image, injected into a whole tree of real manifests: only insertions, exact meaning, idempotent, clean.
# needs: go tar xz
set -euo pipefail
source "$ROOT/e2e/lib/inject-corpus.bash"

./manifests -secret regcred -at-least "$least" "$before" after

sums() { find after -type f -print0 | sort -z | xargs -0 sha256sum; }
sums >once.sums
inject after
sums | cmp - once.sums
grep -q '^0 pull secrets added to 0 files' after.log
echo 'a second run changes nothing'

pullcred -C after check --secret regcred --format json >check.json || (($? == 1))
grep -q '"changes": *0,' check.json
echo 'check finds nothing to add'
