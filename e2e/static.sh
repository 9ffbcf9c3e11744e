#!/usr/bin/env bash
# A static build runs where there is nothing else: an empty root directory, no libraries, no /proc, no network.
#
# It has a target folder of its own, because every dependency is built anew.
# needs: cargo unshare chroot file
set -euo pipefail
: "${ROOT:?started by e2e/run}"
source "$ROOT/e2e/lib/host.bash"

target=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS='-C target-feature=+crt-static' \
  cargo build --quiet --release --locked --bin pullcred --target "$target" --target-dir "$ROOT/target/static" --manifest-path "$ROOT/Cargo.toml"
program=$ROOT/target/static/$target/release/pullcred
file "$program" | grep -Eq 'static-pie linked|statically linked' || fail "$(file "$program")"

mkdir empty
cp "$program" empty/pullcred
cp -r "$ROOT/fixtures/hosts/in" empty/shop
# alone COMMAND…: there, as nobody, without any environment.
alone() {
  env -i unshare --user --map-root-user --net --mount chroot empty /pullcred "$@"
}
status 0 alone --version
status 1 alone check -C /shop
says 'acr-secret'
status 0 alone inject -C /shop
finished empty/shop
status 0 alone check -C /shop
objects() { grep -c '^kind:'; }
(($(alone generate /shop/deploy | objects) == 4)) || fail 'generate: four objects expected'
printf 'static, %d KiB: version, check, inject, generate in an empty root without network\n' "$(($(stat -c %s "$program") / 1024))"
