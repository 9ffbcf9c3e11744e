#!/usr/bin/env bash
# A static build runs where there is nothing else: an empty root directory, no libraries, no /proc, no network. Its size and start-up are
# within the limits of docs/design.md. The release workflow and the Dockerfile do the same with musl for a C library.
#
# It has a target folder of its own, because every dependency is built anew.
# needs: cargo unshare chroot file readelf python3
# peers: sops maturin
set -euo pipefail
: "${ROOT:?started by e2e/run}"
source "$ROOT/e2e/lib/host.bash"

target=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS='-C target-feature=+crt-static' \
  cargo build --quiet --release --locked --bin pullcred --target "$target" --target-dir "$ROOT/target/static" --manifest-path "$ROOT/Cargo.toml"
program=$ROOT/target/static/$target/release/pullcred
file "$program" | grep -Eq 'static-pie linked|statically linked' || fail "$(file "$program")"
if readelf --dynamic "$program" | grep NEEDED; then fail 'it needs a library'; fi
size=$(stat -c %s "$program")
((size < 13000000)) || fail "$size bytes are more than 13 MB"

mkdir empty
cp "$program" empty/pullcred
cp -r "$ROOT/fixtures/hosts/in" empty/shop
# alone COMMAND…: there, as nobody, without any environment.
alone() {
  env -i "$(command -v unshare)" --user --map-root-user --net --mount "$(command -v chroot)" empty /pullcred "$@"
}
status 0 alone --version
status 1 alone check -C /shop
says 'acr-secret'
status 0 alone inject -C /shop
finished empty/shop
status 0 alone check -C /shop
objects() { grep -c '^kind:'; }
(($(alone generate /shop/deploy | objects) == 4)) || fail 'generate: four objects expected'
status 0 alone quickstart /sample
status 0 alone check -C /sample --strict
SOPS_AGE_KEY_FILE=empty/sample/age.agekey sops decrypt empty/sample/overlays/staging/registry.sops.yaml | grep -q 'dockerconfigjson: ey' ||
  fail 'what it encrypted there does not open here'
printf 'static, %d KiB: version, check, inject, generate, quickstart, sync in an empty root without network\n' "$((size / 1024))"

# The wheel of the release: with the same program in it, for systems old and new.
RUSTFLAGS='-C target-feature=+crt-static' maturin build --quiet --release --locked --target "$target" --target-dir "$ROOT/target/static" \
  --out wheels --manifest-path "$ROOT/Cargo.toml"
wheel=$(echo wheels/*.whl)
[[ $wheel == *manylinux_2_5_* ]] || fail "$wheel is for new systems only"
python3 -m venv venv
env -i PATH=/usr/bin:/bin HOME="$HOME" venv/bin/pip install --quiet --no-index --find-links wheels pullcred
cmp venv/bin/pullcred "$program" || fail 'the wheel holds another program'
printf 'wheel: %s, %d KiB\n' "${wheel##*/}" "$(($(stat -c %s "$wheel") / 1024))"

# The quickest of many starts: what others do on the machine only adds to it.
best=1000000
for ((nth = 0; nth < 200; nth++)); do
  began=${EPOCHREALTIME//[.,]/}
  "$program" --version >/dev/null
  took=$((${EPOCHREALTIME//[.,]/} - began))
  ((took >= best)) || best=$took
done
((best < 5000)) || fail "$best us are more than 5 ms"
printf 'start-up: %d us, fork and exec by the shell included\n' "$best"
