# What the checks of hosts share: one sample repository, what has to become of it, and how to say so.
# shellcheck shell=bash

readonly HOST_HOME=$HOME
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

# shop FOLDER: a Git repository with the sample manifests, committed.
shop() {
  cp -r "$ROOT/fixtures/hosts/in" "$1"
  git -C "$1" init -q
  commit "$1"
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

# ours FOLDER: this repository as its users get it, with the tag v0: what is in Git, and what is about to be.
ours() {
  mkdir "$1"
  git -C "$ROOT" ls-files -z --cached --others --exclude-standard |
    tar -C "$ROOT" --null --ignore-failed-read -cf - -T - 2>/dev/null | tar -C "$1" -xf -
  git -C "$1" init -q
  commit "$1"
  git -C "$1" tag v0
}

# objects FILE…: the objects of streams, one per line, in one order and spelling.
objects() {
  yq -o json -I 0 'select(. != null) | sort_keys(..)' "$@" | sort
}

mkdir -p "$HOME"
git config --global init.defaultBranch main
git config --global user.name test
git config --global user.email test@example.com
