#!/usr/bin/env bash
# The hooks under the real pre-commit: `try-repo`, an installed hook, and the wheel for those without Rust.
#
# Hooks are built in our own target folder, so that only this crate is built again; COLD=1 builds them from nothing, as users do.
# needs: cargo git python3
# peers: pre-commit maturin
set -euo pipefail
: "${ROOT:?started by e2e/run}"
source "$ROOT/e2e/lib/host.bash"

export PRE_COMMIT_HOME=$PWD/pre-commit PRE_COMMIT_COLOR=never
[[ -n ${COLD:-} ]] || export CARGO_TARGET_DIR=$ROOT/target

ours hooks
shop shop

# hook FOLDER COMMAND…: pre-commit there.
hook() {
  (cd "$1" && shift && pre-commit "$@")
}

began=$SECONDS
status 1 hook shop try-repo ../hooks pullcred
printf 'try-repo pullcred: adds and fails (%d s, installation included)\n' "$((SECONDS - began))"
finished shop
git -C shop checkout -q .

cat >hooks.yaml <<YAML
repos:
  - repo: $PWD/hooks
    rev: v0
    hooks:
      - id: pullcred
      - id: pullcred-check
YAML
cp hooks.yaml shop/.pre-commit-config.yaml
status 0 hook shop install
status 1 commit shop
says 'changed deploy/web.yaml'
finished shop
status 0 commit shop
status 0 hook shop run --all-files
echo 'installed: the first commit is stopped and mended, the second passes, and so does the check'

cp "$ROOT/fixtures/hosts/in/deploy/web.yaml" shop/deploy/
SKIP=pullcred status 1 commit shop
says 'pull-secret-missing'
cmp -s shop/deploy/web.yaml "$ROOT/fixtures/hosts/in/deploy/web.yaml" || fail 'the check changed a file'
git -C shop reset -q --hard
echo 'pullcred-check: fails and changes nothing'

# Nothing to do, without any configuration; and a fresh clone, without credentials or identity.
mkdir plain
cp "$ROOT/fixtures/hosts/in/deploy/web.yaml" plain/
cp hooks.yaml plain/.pre-commit-config.yaml
git -C plain init -q
status 0 hook plain install
status 0 commit plain
cmp -s plain/web.yaml "$ROOT/fixtures/hosts/in/deploy/web.yaml" || fail 'a file was changed without any configuration'
git clone -q shop clone
status 0 hook clone install
status 0 git -C clone commit -q --allow-empty -m nothing
status 0 hook clone run --all-files
echo 'no configuration, and a fresh clone: both pass'

# The wheel, in an environment that knows nothing of Rust.
maturin build --quiet --release --locked --out wheels --manifest-path "$ROOT/Cargo.toml"
wheel=$(echo wheels/*.whl)
python3 -m venv empty
env -i PATH=/usr/bin:/bin HOME="$HOME" empty/bin/pip install --quiet --no-index --find-links wheels pullcred
[[ $(env -i empty/bin/pullcred --version) == "$(pullcred --version)" ]] || fail 'the wheel holds another version'
shop wheel
status 1 env -i empty/bin/pullcred inject -C wheel --exit-code
finished wheel
printf 'wheel: %s, %d KiB\n' "${wheel##*/}" "$(($(stat -c %s "$wheel") / 1024))"

# The same as a hook: `repo: local` and `language: python`, as docs/pre-commit.md has it. The wheel is taken from its folder; the index only
# gives what pre-commit itself needs to make an environment.
shop local
sed -n '/^```yaml title="without Rust"$/,/^```$/p' "$ROOT/docs/pre-commit.md" | sed '1d;$d' >local/.pre-commit-config.yaml
grep -q additional_dependencies local/.pre-commit-config.yaml || fail 'docs/pre-commit.md lacks the hook without Rust'
began=$SECONDS
status 1 env -u CARGO_HOME -u RUSTUP_HOME PATH="$(dirname "$(command -v pre-commit)"):/usr/bin:/bin" PIP_FIND_LINKS="$PWD/wheels" \
  bash -c 'cd local && git add -A && pre-commit run'
says 'changed deploy/web.yaml'
finished local
printf 'wheel as a hook: adds and fails (%d s, installation included)\n' "$((SECONDS - began))"
