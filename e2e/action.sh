#!/usr/bin/env bash
# The GitHub Action under the real act: workflows that pass, fail and fix, those of docs/github-action.md included; a release that is what it
# says and one that is not; and the linters of workflows over everything that GitHub reads here. BUILD=1 also lets the action build
# itself, which takes minutes.
# needs: git curl sha256sum tar node cargo
# peers: act actionlint zizmor age-keygen sops yq
set -euo pipefail
: "${ROOT:?started by e2e/run}"
source "$ROOT/e2e/lib/host.bash"
export CARGO_TARGET_DIR=$ROOT/target XDG_CACHE_HOME=$PWD/cache XDG_CONFIG_HOME=$PWD/config

actionlint "$ROOT"/.github/workflows/*.yml
zizmor --offline --no-progress --quiet --quiet "$ROOT/action.yml" "$ROOT/.github/workflows"
echo 'actionlint, zizmor: nothing to say'

# release VERSION: as .github/workflows/release.yml makes it, in a folder instead of on GitHub.
release() {
  local archive
  archive=pullcred-$(uname -m)-unknown-linux-musl.tar.gz
  mkdir -p "releases/v$1"
  tar -C "$(dirname "$(command -v pullcred)")" -czf "releases/v$1/$archive" pullcred
  (cd "releases/v$1" && sha256sum "$archive" >SHA256SUMS)
}

# workflow INPUTS: a job that uses the action, then says what came out of it; `extra` are steps after that.
workflow() {
  mkdir -p repository/.github/workflows
  {
    printf 'on: push\npermissions: {}\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n'
    printf '      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1\n'
    printf '      - uses: ./\n        id: pullcred\n        with:\n          working-directory: shop\n'
    printf '          %s\n' "$@"
    # shellcheck disable=SC2016
    printf '      - if: always()\n        env: {CHANGED: "${{ steps.pullcred.outputs.changed }}", FINDINGS: "${{ steps.pullcred.outputs.findings }}", REPORT: "${{ steps.pullcred.outputs.report }}"}\n        run: |\n'
    # shellcheck disable=SC2016
    printf '          %s\n' 'echo "changed=$CHANGED findings=$FINDINGS"' \
      'git -C shop diff --stat' 'if [ -n "$REPORT" ]; then cp "$REPORT" "$KEEP"; fi' 'cp -r shop "$KEEP/shop"'
  } >repository/.github/workflows/test.yml
}

# runs EXPECTED [FOLDER [OPTION…]]: commits what is in a repository (`repository`) and runs its workflow.
runs() {
  local expected=$1 folder=${2:-repository}
  rm -rf kept && mkdir kept
  (cd "$folder" && git add -A && git commit -qm change --allow-empty)
  status "$expected" env -C "$folder" act -W .github/workflows/test.yml -P ubuntu-latest=-self-hosted --no-cache-server --action-offline-mode \
    --env PULLCRED_DOWNLOADS="file://$PWD/releases" --env KEEP="$PWD/kept" --env CARGO_TARGET_DIR="$CARGO_TARGET_DIR" \
    --env CARGO_HOME="$CARGO_HOME" --env RUSTUP_HOME="$RUSTUP_HOME" "${@:3}"
}

# page TITLE EXPECTED FOLDER [OPTION…]: runs a workflow of docs/github-action.md as it is printed. The actions that it names are on this
# machine: ours, and a stand-in for GitHub's upload that keeps the file.
page() {
  local title=$1 expected=$2 folder=$3 version
  version=$(pullcred --version | cut -d ' ' -f 2)
  mkdir -p "$folder/.github/workflows"
  documented github-action "$title" >"$folder/.github/workflows/test.yml"
  actionlint "$folder/.github/workflows/test.yml"
  runs "$expected" "$folder" --local-repository "pullcred/pullcred@v$version=$PWD/repository" \
    --local-repository "github/codeql-action@v4=$PWD/codeql-action" "${@:4}"
}

# Without our own samples, whose ServiceAccounts would be those of the shop.
ours repository
rm -r repository/fixtures repository/.github
cp -r "$ROOT/fixtures/hosts/in" repository/shop
release 1.2.3

workflow 'version: 1.2.3'
runs 1
says '::error file=shop/deploy/web.yaml,line='
says 'changed=false findings=2'
untouched kept/shop
echo 'check: fails with annotations and changes nothing'

workflow 'version: v1.2.3' 'format: sarif'
runs 1
says 'changed=false findings=2'
grep -q '"2.1.0"' kept/pullcred.sarif || fail 'no SARIF report'
echo 'check: a SARIF report'

for command in inject sync; do
  workflow 'version: 1.2.3' "command: $command"
  runs 0
  says 'changed=true findings=0'
  finished kept/shop
done
workflow 'version: 1.2.3' 'command: encrypt'
runs 0
says 'changed=false findings=2'
untouched kept/shop
echo 'inject, sync: change files and pass; encrypt leaves references alone'

cp -r "$ROOT/fixtures/hosts/out/." repository/shop/
workflow 'version: 1.2.3'
runs 0
says 'changed=false findings=0'
workflow 'version: 1.2.3' 'command: inject' 'args: --diff'
runs 0
says 'changed=false findings=0'
echo 'check and inject: pass where nothing is missing'

# The workflows of the page, on a repository that needs references and Secrets.
release "$(pullcred --version | cut -d ' ' -f 2)"
mkdir -p codeql-action/upload-sarif
cat >codeql-action/upload-sarif/action.yml <<'YAML'
inputs: {sarif_file: {required: true}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {FILE: "${{ inputs.sarif_file }}"}
      run: cp "$FILE" "$KEEP/uploaded.sarif"
YAML
with_secrets pages
cp "$ROOT/fixtures/hosts/in/deploy/web.yaml" pages/deploy/
status 0 git -C pages commit -qam 'a reference less'
rm pages/.git/pullcred/trusted # a runner remembers nothing
page check 1 pages
says '::error file=deploy/web.yaml,line='
page sarif 1 pages
grep -q '"pull-secret-missing"' kept/uploaded.sarif || fail 'sarif: nothing was handed to the upload'
page fix 1 pages --var PULL_USERNAME=e2e --secret PULL_PASSWORD=only-a-test
says recipient-untrusted
page fix 1 pages --var PULL_USERNAME=e2e --secret PULL_PASSWORD=only-a-test --var "PULLCRED_TRUST=$(pullcred -C pages trust --print)"
says 'created pull-secrets/shop/acr-secret.sops.yaml'
says 'pull-secrets/shop/quay-secret.sops.yaml | '
says 'deploy/web.yaml '
if grep -q only-a-test "$OUT"; then fail 'the password is in the log'; fi
# What the job would have committed; then there is nothing left to mend, with or without credentials.
(cd pages && pullcred trust --quiet && credentials pullcred sync --quiet)
sealed pages
page fix 0 pages --var PULL_USERNAME=e2e --secret PULL_PASSWORD=only-a-test
page fix 0 pages
page check 0 pages
echo 'docs/github-action.md: checks, mends, uploads'

# Inputs are text: none of them is run, and what is no input of ours is refused.
cp -r "$ROOT/fixtures/hosts/in/." repository/shop/
for input in 'args: $(touch $KEEP/hacked)' 'command: "check; touch $KEEP/hacked"' 'format: "$(touch $KEEP/hacked)"' \
  'version: "1.2.3/$(touch $KEEP/hacked)"'; do
  workflow 'version: 1.2.3' "$input"
  [[ $input != version* ]] || workflow "$input"
  runs 1
  [[ ! -e kept/hacked ]] || fail "an input was run: $input"
done
# Names in the tree are no workflow commands either.
mkdir 'repository/shop/x'
printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: "\\n::error::forged"}\nspec: {containers: [{name: a, image: myregistry.azurecr.io/a}]}\n' \
  >repository/shop/x/pod.yaml
workflow 'version: 1.2.3'
runs 1
if grep -q '::error::forged' "$OUT" | grep -v '%0A'; then fail 'a name was taken for a workflow command'; fi
rm -r repository/shop/x
echo 'inputs and names: never run'

# A download that is not what the release says.
release 1.2.4
printf x >>"releases/v1.2.4/pullcred-$(uname -m)-unknown-linux-musl.tar.gz"
workflow 'version: 1.2.4'
runs 1
says 'checksum'
workflow 'version: 9.9.9'
runs 1
says 'cannot download'
echo 'downloads: a wrong checksum and a missing version are refused'

if [[ -n ${BUILD:-} ]]; then
  began=$SECONDS
  workflow 'command: check'
  runs 1
  says 'changed=false findings=2'
  printf 'built from its own checkout: the same findings (%d s)\n' "$((SECONDS - began))"
fi
