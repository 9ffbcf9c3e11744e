#!/usr/bin/env bash
# The release workflow, its scripts run as GitHub would: the tag is held against the version, the archive and the checksums are what the
# Action downloads, and the package is complete. Only `cargo` and `rustup` are stand-ins: e2e/static.sh builds.
# needs: cargo git curl tar sha256sum
# peers: yq
set -euo pipefail
: "${ROOT:?started by e2e/run}"
source "$ROOT/e2e/lib/host.bash"

workflow=$ROOT/.github/workflows/release.yml
version=$(pullcred --version | cut -d ' ' -f 2)
real_cargo=$(command -v cargo)
ours source

# step JOB NAME: the script of a step.
step() {
  local script
  script=$(job=$1 name=$2 yq '.jobs[strenv(job)].steps[] | select(.name == strenv(name)) | .run' "$workflow")
  [[ -n $script ]] || fail "release.yml has no step \`$2\`"
  printf '%s\n' "$script"
}

# runs FOLDER JOB NAME [VARIABLE=VALUE…]: runs the script of a step there, as GitHub does.
runs() {
  step "$2" "$3" >script.sh
  env -C "$1" "${@:4}" bash -e "$PWD/script.sh"
}

status 0 runs source binaries 'the tag is the version' TAG="v$version"
status 1 runs source binaries 'the tag is the version' TAG=v99.0.0
status 1 runs source binaries 'the tag is the version' TAG="v$version-rc1"
echo 'tag: refused unless it is the version'

mkdir stand-ins
printf '#!/bin/sh\n' >stand-ins/rustup
cat >stand-ins/cargo <<TEXT
#!/bin/sh
[ "\$*" = "build --release --locked --bin pullcred --target \$TARGET" ] || exit 1
mkdir -p "target/\$TARGET/release" && cp "$(command -v pullcred)" "target/\$TARGET/release/pullcred"
TEXT
chmod +x stand-ins/*
mkdir -p dist/wheels downloads
for target in $(yq '.jobs.binaries.strategy.matrix.include[].target' "$workflow"); do
  PATH=$PWD/stand-ins:$PATH status 0 runs source binaries build TARGET="$target"
  mv "source/pullcred-$target.tar.gz" dist/
  : >"dist/wheels/pullcred-$version-py3-none-$target.whl"
done
: >dist/pullcred.cdx.json
status 0 runs dist publish checksums
(($(wc -l <dist/SHA256SUMS) == 7)) || fail "checksums: $(<dist/SHA256SUMS)"
(cd dist && sha256sum --quiet --check SHA256SUMS)
echo 'archives, wheels and the bill of materials: a checksum for each'

# What a user of the Action gets of it.
mv dist "downloads/v$version"
shop shop
: >output
status 1 env PULLCRED_DOWNLOADS="file://$PWD/downloads" PULLCRED_VERSION="v$version" PULLCRED_COMMAND=check PULLCRED_ARGS='' PULLCRED_FORMAT=text \
  PULLCRED_DIRECTORY=shop PULLCRED_ACTION="$ROOT" RUNNER_TEMP="$PWD" GITHUB_OUTPUT="$PWD/output" bash "$ROOT/action/run.sh"
says "pullcred $version"
says 'pull-secret-missing'
echo 'the Action takes what is released'

# cargo: everything that the program is built from is in the package, and nothing that weighs.
# Cargo takes a crate of a registry for the same as long as its version is: what an earlier run unpacked and built of ours is not what is
# packaged now.
for crate in "$ROOT"/crates/*/; do
  name=$(basename "$crate")
  rm -rf "${CARGO_HOME:-$HOME/.cargo}"/registry/{src,cache}/*/"$name"-[0-9]* "$ROOT"/target/debug/.fingerprint/"$name"-*
done
status 0 env -C source CARGO_TARGET_DIR="$ROOT/target" "$real_cargo" package --workspace --quiet --locked
status 0 env -C source "$real_cargo" package --package pullcred --list --locked
for file in src/commands/quickstart/pullcred.yaml data/catalog.tsv docs/codes.md schema/pullcred.schema.json Cargo.lock README.md LICENSE-MIT; do
  grep -qx "$file" "$OUT" || fail "the package lacks $file"
done
if grep -q '^fixtures\|^e2e\|^tests' "$OUT"; then fail 'the package holds test data'; fi
printf 'cargo package: %d files, and they build\n' "$(wc -l <"$OUT")"
