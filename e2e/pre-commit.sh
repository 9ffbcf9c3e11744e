#!/usr/bin/env bash
# The hooks under the real pre-commit, as docs/pre-commit.md has them: `try-repo`, installed hooks, and the wheel for those without Rust.
#
# Hooks are built unoptimised in a target folder of their own, so that a second run only builds this crate; COLD=1 builds them as users
# do, from nothing, and tells how long that took.
# needs: cargo git python3
# peers: pre-commit maturin age-keygen sops yq
set -euo pipefail
: "${ROOT:?started by e2e/run}"
source "$ROOT/e2e/lib/host.bash"

export PRE_COMMIT_HOME=$PWD/pre-commit PRE_COMMIT_COLOR=never
if [[ -z ${COLD:-} ]]; then
  export CARGO_TARGET_DIR=$ROOT/target/hooks CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
fi

ours hooks
# The pages name the public address; it leads here.
git config --global "url.$PWD/hooks.insteadOf" https://github.com/pullcred/pullcred
shop shop

# hook FOLDER COMMAND…: pre-commit there.
hook() {
  (cd "$1" && shift && pre-commit "$@")
}

# hooked FOLDER TITLE: installs the hooks that the page has under that title.
hooked() {
  documented pre-commit "$2" >"$1/.pre-commit-config.yaml"
  status 0 hook "$1" install
}

# clean FOLDER: nothing there is changed or new.
clean() {
  [[ -z $(git -C "$1" status --porcelain) ]] || fail "$1 was changed: $(git -C "$1" status --porcelain)"
}

# packages: how many packages a hook user builds: those of Cargo.lock that the program is made of here.
packages() {
  cargo tree --locked --edges normal,build --prefix none --manifest-path "$ROOT/Cargo.toml" | sed 's/ (.*//' | sort -u | wc -l
}

began=$SECONDS
status 1 hook shop try-repo ../hooks pullcred
printf 'try-repo pullcred: adds and fails (%d s, installation included)\n' "$((SECONDS - began))"
finished shop
git -C shop checkout -q .

began=$SECONDS
documented pre-commit hook >shop/.pre-commit-config.yaml
printf '      - id: pullcred-check\n' >>shop/.pre-commit-config.yaml
git -C shop add -A
status 1 env -C shop bash -euo pipefail -c "$(documented pre-commit install)"
printf 'installed (%d s, %d packages built)\n' "$((SECONDS - began))" "$(packages)"
grep -qF ": $(packages) packages, " "$ROOT/docs/pre-commit.md" || fail "docs/pre-commit.md tells another number of packages than $(packages)"
says 'changed deploy/web.yaml'
finished shop
git -C shop checkout -q deploy
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

# Secrets: pre-commit does not see new files by itself, the hook has to tell. `git add` is the user's answer.
with_secrets secrets
cp shop/.pre-commit-config.yaml secrets/
status 0 hook secrets install
mv secrets/.git/pullcred/trusted trusted
SKIP=pullcred-check status 1 credentials commit secrets
says recipient-untrusted
[[ ! -e secrets/pull-secrets ]] || fail 'Secrets were written for a grant that nobody agreed to'
mv trusted secrets/.git/pullcred/trusted
echo 'secrets: the hook encrypts nothing that nobody here agreed to'
SKIP=pullcred-check status 1 credentials commit secrets
says 'created pull-secrets/shop/acr-secret.sops.yaml'
[[ -z $(git -C secrets diff --name-only) ]] || fail 'references were changed, not only Secrets created'
sealed secrets
status 0 credentials commit secrets
status 0 credentials hook secrets run --all-files
clean secrets
echo 'secrets: a commit that only needs new Secrets is stopped, the second passes, and real sops opens them'

git clone -q secrets stranger
status 0 hook stranger install
status 0 git -C stranger commit -q --allow-empty -m nothing
status 0 hook stranger run --all-files
# With credentials but without the key nobody can compare, so nothing is rewritten either.
status 0 credentials hook stranger run --all-files
clean stranger
echo 'secrets: a fresh clone passes without credentials, and without the key'

with_secrets colleague
cp shop/.pre-commit-config.yaml colleague/
status 0 hook colleague run --all-files --verbose pullcred
says credential-missing
status 1 hook colleague run --all-files pullcred-check
says secret-not-shipped
echo 'secrets: without its credential a new Secret stops no commit; the check tells that it is missing'

# Nothing to do, without any configuration; flags instead of one; references only.
mkdir plain
cp "$ROOT/fixtures/hosts/in/deploy/web.yaml" plain/
git -C plain init -q
hooked plain hook
status 0 commit plain
cmp -s plain/web.yaml "$ROOT/fixtures/hosts/in/deploy/web.yaml" || fail 'a file was changed without any configuration'
hooked plain flags
status 1 commit plain
cmp -s plain/web.yaml "$ROOT/fixtures/hosts/out/deploy/web.yaml" || fail 'flags: not what was expected'
status 0 commit plain
with_secrets references
cp "$ROOT/fixtures/hosts/in/deploy/web.yaml" references/deploy/
hooked references 'references only'
status 1 credentials commit references
cmp -s references/deploy/web.yaml "$ROOT/fixtures/hosts/out/deploy/web.yaml" || fail 'references only: not what was expected'
[[ ! -e references/pull-secrets ]] || fail 'references only: Secrets were written'
echo 'no configuration: passes; flags and references only: as the page says'

# The wheel, in an environment that knows nothing of Rust.
maturin build --quiet --release --locked --out wheels --manifest-path "$ROOT/Cargo.toml"
wheel=$(echo wheels/*.whl)
python3 -m venv empty
env -i PATH=/usr/bin:/bin HOME="$HOME" empty/bin/pip install --quiet --no-index --find-links wheels pullcred
[[ $(env -i empty/bin/pullcred --version) == "$(pullcred --version)" ]] || fail 'the wheel holds another version'
shop wheel
status 1 env -i empty/bin/pullcred sync -C wheel --exit-code
finished wheel
printf 'wheel: %s, %d KiB\n' "${wheel##*/}" "$(($(stat -c %s "$wheel") / 1024))"

# The same as a hook. The wheel is taken from its folder; the index only gives what pre-commit itself needs to make an environment.
shop local
documented pre-commit 'without Rust' >local/.pre-commit-config.yaml
git -C local add -A
began=$SECONDS
status 1 env -C local -u CARGO_HOME -u RUSTUP_HOME PATH="$(dirname "$(command -v pre-commit)"):/usr/bin:/bin" PIP_FIND_LINKS="$PWD/wheels" \
  pre-commit run
says 'changed deploy/web.yaml'
finished local
printf 'wheel as a hook: adds and fails (%d s, installation included)\n' "$((SECONDS - began))"
