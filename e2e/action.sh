#!/usr/bin/env bash
# The GitHub Action under the real act: workflows that pass, fail and fix; a release that is what it says and one that is not; and the
# linters of workflows over everything that GitHub reads here. BUILD=1 also lets the action build itself, which takes minutes.
# needs: git curl sha256sum tar node cargo
# peers: act actionlint zizmor
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

# act EXPECTED: runs it.
runs() {
  rm -rf kept && mkdir kept
  (cd repository && git add -A && git commit -qm change --allow-empty)
  status "$1" env -C repository act push -W .github/workflows/test.yml -P ubuntu-latest=-self-hosted --no-cache-server --action-offline-mode \
    --env PULLCRED_DOWNLOADS="file://$PWD/releases" --env KEEP="$PWD/kept" --env CARGO_TARGET_DIR="$CARGO_TARGET_DIR" \
    --env CARGO_HOME="$CARGO_HOME" --env RUSTUP_HOME="$RUSTUP_HOME"
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

workflow 'version: 1.2.3' 'command: inject'
runs 0
says 'changed=true findings=0'
finished kept/shop
echo 'inject: changes files and passes'

cp -r "$ROOT/fixtures/hosts/out/." repository/shop/
workflow 'version: 1.2.3'
runs 0
says 'changed=false findings=0'
workflow 'version: 1.2.3' 'command: inject' 'args: --diff'
runs 0
says 'changed=false findings=0'
echo 'check and inject: pass where nothing is missing'

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
