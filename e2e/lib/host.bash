# What the checks of hosts share: one sample repository, what has to become of it, and how to say so.
# shellcheck shell=bash

readonly HOST_HOME=$HOME TEST_IDENTITY=$ROOT/crates/sops-age/fixtures/keys/age.txt
export CARGO_HOME=${CARGO_HOME:-$HOST_HOME/.cargo} RUSTUP_HOME=${RUSTUP_HOME:-$HOST_HOME/.rustup}
export HOME=$PWD/home OUT=$PWD/out GOPATH=${GOPATH:-$HOST_HOME/go} GOCACHE=${GOCACHE:-$HOST_HOME/.cache/go-build}

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

# status EXPECTED COMMAND…: runs it; its output, both streams, goes to the file $OUT.
status() {
  local expected=$1 status=0
  shift
  "$@" >"$OUT" 2>&1 || status=$?
  ((status == expected)) || {
    cat "$OUT" >&2
    fail "status $status instead of $expected: $*"
  }
}

# says TEXT: the output of the last `status` holds it.
says() {
  grep -qF -- "$1" "$OUT" || {
    cat "$OUT" >&2
    fail "nobody said: $1"
  }
}

# documented PAGE TITLE: the block of docs/PAGE.md with that title; of a console block its commands. Pages are run as they are
# printed, and tests/integration/packaging.rs sees to it that no block is left out.
documented() {
  local text
  text=$(awk -v title=" title=\"$2\"" '
    /^```/ { inside = !inside && index($0, title); commands = /^```console/; next }
    inside && !commands { print }
    inside && sub(/^\$ /, "") { print }' "$ROOT/docs/$1.md")
  [[ -n $text ]] || fail "docs/$1.md lacks the block \`$2\`"
  printf '%s\n' "$text"
}

# shop FOLDER: a Git repository with the sample manifests, committed.
shop() {
  cp -r "$ROOT/fixtures/hosts/in" "$1"
  git -C "$1" init -q
  commit "$1"
}

# with_secrets FOLDER: a shop whose references are there, and which has what it takes to write Secrets: a namespace, a recipient, and
# names for the variables that `credentials` sets. Committed.
with_secrets() {
  shop "$1"
  cp -r "$ROOT/fixtures/hosts/out/." "$1"
  printf 'namespace: shop\n' >>"$1/deploy/kustomization.yaml"
  sed -i "s/^\( *\)registries:.*/&\n\1credentials: [{env: {username: PULL_USERNAME, password: PULL_PASSWORD}}]/" "$1/.pullcred.yaml"
  # Here the repository ships them, so nothing about them is to be passed over.
  sed -i "/^  findings:/,+1d" "$1/.pullcred.yaml"
  printf '  targets: [{recipients: [%s]}]\n' "$(age-keygen -y "$TEST_IDENTITY")" >>"$1/.pullcred.yaml"
  pullcred -C "$1" trust --quiet
  commit "$1"
}

# credentials COMMAND…: runs it with credentials in its environment.
credentials() {
  PULL_USERNAME=e2e PULL_PASSWORD=only-a-test "$@"
}

# sealed FOLDER: its Secrets are there, and the real sops opens them with the right content.
sealed() {
  local name
  for name in acr-secret quay-secret; do
    SOPS_AGE_KEY_FILE=$TEST_IDENTITY sops decrypt "$1/pull-secrets/shop/$name.sops.yaml" >opened.yaml
    [[ $(yq '.metadata.namespace + "/" + .metadata.name' opened.yaml) == "shop/$name" ]] || fail "$1: $name is not what it is called"
    yq '.data[".dockerconfigjson"] | @base64d' opened.yaml | grep -q only-a-test || fail "$1: $name does not hold the password"
  done
}

# commit FOLDER: commits all of it; the status is that of the hooks.
commit() {
  git -C "$1" add -A && git -C "$1" commit -qm change
}

# finished FOLDER: what had to be added is there, nothing else.
finished() {
  diff -r -x .git -x '.pre-commit-config.yaml' -x .github "$ROOT/fixtures/hosts/out" "$1" || fail "$1 is not what was expected"
}

# untouched FOLDER
untouched() {
  diff -r -x .git -x '.pre-commit-config.yaml' -x .github "$ROOT/fixtures/hosts/in" "$1" || fail "$1 was changed"
}

# ours FOLDER: this repository as its users get it, with the tag of its version: what is in Git, and what is about to be.
ours() {
  mkdir "$1"
  git -C "$ROOT" ls-files -z --cached --others --exclude-standard |
    tar -C "$ROOT" --null --ignore-failed-read -cf - -T - 2>/dev/null | tar -C "$1" -xf -
  git -C "$1" init -q
  commit "$1"
  git -C "$1" tag "v$(pullcred --version | cut -d ' ' -f 2)"
}

# objects FILE…: the objects of streams, one per line, in one order and spelling.
objects() {
  yq -o json -I 0 'select(. != null) | sort_keys(..)' "$@" | sort
}

mkdir -p "$HOME"
git config --global init.defaultBranch main
git config --global user.name test
git config --global user.email test@example.com
