#!/usr/bin/env bash
# A real API server accepts after the injection what it accepts before, and reads back the same but for the pull secrets.
# needs: go openssl tar xz
# peers: etcd kube-apiserver kubectl
set -euo pipefail
source "$ROOT/e2e/lib/inject-corpus.bash"

"$ROOT/e2e/api-server" ./manifests -server -secret regcred -at-least "$least" "$before" after
