#!/usr/bin/env bash
# The SOPS layer against the real sops and age: what we write they read and change, what they write we read.
#
# DOCUMENTS=N (default 200) random documents go both ways under every option; SEED=N starts the row.
# needs: cargo go
# peers: sops age age-keygen age-plugin-pq
set -euo pipefail

: "${ROOT:?started by e2e/run}"
readonly keys=$ROOT/crates/sops-age/fixtures/keys
cargo build --quiet --release --manifest-path "$ROOT/Cargo.toml" --package sops-age --example sops_tool
go -C "$ROOT/e2e/sops-decrypt" build -mod=readonly -o "$PWD/sops-decrypt" .
target=$(cargo metadata --format-version 1 --no-deps --manifest-path "$ROOT/Cargo.toml" | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
ours=$target/release/examples/sops_tool
readonly ours
# No key of whoever runs this is to open anything.
export HOME=$PWD/home SOPS_DISABLE_VERSION_CHECK=1

failures=0
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  failures=$((failures + 1))
}

# expect WHAT COMMAND…: the command succeeds.
expect() {
  local what=$1
  shift
  "$@" >out 2>err || fail "$what: $(head -c 400 err)"
}

# refuse WHAT COMMAND…: the command fails.
refuse() {
  local what=$1
  shift
  if "$@" >out 2>err; then
    fail "$what: accepted"
  fi
}

# with INPUT OUTPUT COMMAND…: stdin and stdout for `expect` and `refuse`.
with() {
  local input=$1 output=$2
  shift 2
  "$@" <"$input" >"$output"
}

# option INDEX: one of the options of SOPS and its value, in turn.
option() {
  case $(($1 % 7)) in
    0) printf 'unencrypted_suffix _unencrypted' ;;
    1) printf 'encrypted_regex data' ;;
    2) printf 'unencrypted_regex ^(metadata|name)$' ;;
    3) printf 'encrypted_suffix _secret' ;;
    4) printf 'encrypted_regex ^(data|stringData)$' ;;
    5) printf 'encrypted_comment_regex encrypt.this' ;;
    6) printf 'unencrypted_comment_regex leave.this' ;;
  esac
}

first=$(age-keygen -y "$keys/age.txt")
second=$(age-keygen -y "$keys/age-second.txt")
export SOPS_AGE_KEY_FILE=$keys/age.txt

# One document both ways: theirs by us, ours by them and by package decrypt.
document() {
  local seed=$1 key value mac_only=false theirs=0 we=0
  read -r key value <<<"$(option "$seed")"
  ((seed % 3)) || mac_only=true
  "$ours" random-document --seed "$seed" >plain.yaml
  printf 'creation_rules:\n  - {age: %s, %s: "%s", mac_only_encrypted: %s}\n' "$first" "$key" "$value" "$mac_only" >.sops.yaml
  sops encrypt plain.yaml >theirs.yaml 2>err || { fail "document $seed: sops does not encrypt it: $(head -c 400 err)"; return; }
  sops decrypt theirs.yaml >expected.yaml 2>err || theirs=$?
  "$ours" decrypt --identity "$keys/age.txt" <theirs.yaml >opened.yaml 2>err || we=$?
  if ((theirs)); then
    # go-yaml moves some comments, so that sops does not find again what a comment had it encrypt; we go by the values.
    unreadable=$((unreadable + 1))
  else
    if ((we)); then
      fail "document $seed ($key): sops opens its file, we do not: $(<err)"
    else
      expect "document $seed ($key): content" ./sops-decrypt equal expected.yaml opened.yaml
    fi
  fi
  [[ $key != *comment* ]] || return 0
  expect "document $seed: encrypt" with plain.yaml mine.yaml \
    "$ours" encrypt --recipient "$first" --recipient "$second" "--$key" "$value" --mac-only "$mac_only"
  expect "document $seed: sops decrypt" with /dev/null by-sops.yaml sops decrypt mine.yaml
  expect "document $seed: package decrypt" with /dev/null by-package.yaml ./sops-decrypt decrypt mine.yaml
  "$ours" decrypt --identity "$keys/age.txt" <mine.yaml >by-us.yaml
  expect "document $seed: content by sops" ./sops-decrypt equal by-sops.yaml by-us.yaml
  expect "document $seed: content by package decrypt" ./sops-decrypt equal by-package.yaml by-us.yaml
  if ! ((theirs)); then
    expect "document $seed: ours and theirs" ./sops-decrypt equal by-us.yaml expected.yaml
  fi
}

unreadable=0
count=${DOCUMENTS:-200} start=${SEED:-1}
for ((seed = start; seed < start + count; seed++)); do
  document "$seed"
done
printf '%d random documents both ways (%d that sops itself cannot read back)\n' "$count" "$unreadable"
((unreadable * 10 < count)) || fail "too many documents say nothing"

# The life of a Secret: sops changes what we wrote, we read what it wrote.
cat >secret.yaml <<'YAML'
apiVersion: v1
kind: Secret
metadata:
    name: regcred
    namespace: demo
type: kubernetes.io/dockerconfigjson
data:
    .dockerconfigjson: eyJhdXRocyI6e319
YAML
printf 'creation_rules:\n  - {age: "%s,%s", encrypted_regex: "^(data|stringData)$"}\n' "$first" "$second" >.sops.yaml
we_encrypt() {
  "$ours" encrypt --recipient "$first" --encrypted_regex '^(data|stringData)$' <secret.yaml >"$1"
}
we_open() {
  "$ours" decrypt --identity "$keys/$2" <"$1" >opened.yaml
}

we_encrypt a.sops.yaml
expect 'sops decrypt' with /dev/null clear.yaml sops decrypt a.sops.yaml
expect 'same bytes as before' cmp secret.yaml clear.yaml
expect 'sops filestatus' with /dev/null status sops filestatus a.sops.yaml
grep -q '"encrypted":true' status || fail "sops filestatus: $(<status)"

sed 's/namespace: demo/namespace: next/' secret.yaml >edited.yaml
we_encrypt b.sops.yaml
expect 'sops set' sops set b.sops.yaml '["data"][".dockerconfigjson"]' '"Y2hhbmdlZA=="'
expect 'open after sops set' we_open b.sops.yaml age.txt
grep -q 'dockerconfigjson: Y2hhbmdlZA==' opened.yaml || fail 'sops set: the new value is not there'
expect 'sops edit' env EDITOR="sed -i 's/namespace: demo/namespace: next/'" sops edit b.sops.yaml
expect 'open after sops edit' we_open b.sops.yaml age.txt
grep -q 'namespace: next' opened.yaml || fail 'sops edit: the edit is not there'

we_encrypt c.sops.yaml
expect 'sops updatekeys' sops updatekeys -y c.sops.yaml
expect 'second recipient after sops updatekeys' we_open c.sops.yaml age-second.txt
expect 'sops rotate' sops rotate -i --rm-age "$first" c.sops.yaml
expect 'open after sops rotate' we_open c.sops.yaml age-second.txt
refuse 'removed recipient after sops rotate' we_open c.sops.yaml age.txt
printf 'sops decrypt, set, edit, updatekeys, rotate on our files\n'

# And the other way round, on files of both.
sops encrypt --age "$first" --encrypted-regex '^(data|stringData)$' secret.yaml >d.sops.yaml
for file in a.sops.yaml d.sops.yaml; do
  expect "$file: our updatekeys" with "$file" e.sops.yaml \
    "$ours" updatekeys --recipient "$second" --recipient "$(<"$keys/ssh_rsa.pub")" --identity "$keys/age.txt"
  expect "$file: sops after our updatekeys" with /dev/null clear.yaml env SOPS_AGE_KEY_FILE="$keys/age-second.txt" sops decrypt e.sops.yaml
  expect "$file: content after our updatekeys" cmp secret.yaml clear.yaml
  expect "$file: sops by SSH key" with /dev/null clear.yaml \
    env -u SOPS_AGE_KEY_FILE SOPS_AGE_SSH_PRIVATE_KEY_FILE="$keys/ssh_rsa" sops decrypt e.sops.yaml
  refuse "$file: old recipient after our updatekeys" sops decrypt e.sops.yaml
  diff <(sed '/^sops:/,$d' "$file") <(sed '/^sops:/,$d' e.sops.yaml) || fail "$file: our updatekeys changed the content"
  expect "$file: our rotate" with "$file" f.sops.yaml "$ours" rotate --recipient "$second" --identity "$keys/age.txt"
  expect "$file: sops after our rotate" with /dev/null clear.yaml env SOPS_AGE_KEY_FILE="$keys/age-second.txt" sops decrypt f.sops.yaml
  expect "$file: content after our rotate" cmp secret.yaml clear.yaml
done
printf '{"auths": {"r": {"auth": "x", "n": 1}}}' >config.json
sops encrypt --age "$first" config.json >config.enc.json
expect 'JSON: our updatekeys' with config.enc.json g.json "$ours" updatekeys --recipient "$second" --identity "$keys/age.txt"
expect 'JSON: our rotate' with g.json h.json "$ours" rotate --recipient "$first" --identity "$keys/age-second.txt"
expect 'JSON: sops after both' with /dev/null clear.json sops decrypt h.json
expect 'JSON: content' ./sops-decrypt equal config.json clear.json
printf 'our updatekeys and rotate on files of both, YAML and JSON\n'

# Changed files: they refuse what we refuse.
for change in 's/namespace: demo/namespace: prod/' 's/name: regcred/name: other/' 's/kind: Secret/kind: Config/' \
  's/lastmodified: "20/lastmodified: "21/' '/dockerconfigjson:/s/data:[A-Za-z0-9]/data:_/;s/data:_/data:A/' \
  's/  mac: ENC\[AES256_GCM,data:..../  mac: ENC[AES256_GCM,data:AAAA/' '/^    namespace:/d'; do
  for file in a.sops.yaml d.sops.yaml; do
    sed "$change" "$file" >changed.sops.yaml
    if cmp -s "$file" changed.sops.yaml; then continue; fi
    refuse "$change: sops" sops decrypt changed.sops.yaml
    refuse "$change: we" we_open changed.sops.yaml age.txt
  done
done
printf 'changed files refused by both\n'

# Whole files with age, both ways.
for name in age.txt ssh_ed25519 ssh_rsa; do
  case $name in
    ssh*) recipient=$(<"$keys/$name.pub") ;;
    *) recipient=$first ;;
  esac
  install -m 600 "$keys/$name" identity
  expect "$name: our age file" with secret.yaml secret.age "$ours" age-encrypt --recipient "$second" --recipient "$recipient"
  expect "$name: age -d" with secret.age clear.yaml age -d -i identity
  expect "$name: content" cmp secret.yaml clear.yaml
  for armor in -a ''; do
    expect "$name: age $armor" with secret.yaml secret.age age ${armor:+"$armor"} -r "$recipient"
    expect "$name: opened by us" with secret.age clear.yaml "$ours" age-decrypt --identity identity
    expect "$name: content" cmp secret.yaml clear.yaml
  done
done
printf 'age files both ways by X25519, ssh-ed25519 and ssh-rsa, armored and binary\n'

# A plugin: post-quantum recipients, which sops knows natively and we by age-plugin-pq.
age-keygen -pq >pq.txt 2>/dev/null
age-plugin-pq -identity pq.txt >pq-plugin.txt 2>/dev/null
pq=$(age-keygen -y pq.txt)
expect 'plugin: encrypt' with secret.yaml pq.sops.yaml \
  "$ours" encrypt --recipient "$pq" --recipient "$first" --encrypted_regex '^(data|stringData)$'
expect 'plugin: sops decrypt' with /dev/null clear.yaml env SOPS_AGE_KEY_FILE="$PWD/pq.txt" sops decrypt pq.sops.yaml
expect 'plugin: content' cmp secret.yaml clear.yaml
expect 'plugin: decrypt' with pq.sops.yaml clear.yaml "$ours" decrypt --identity pq-plugin.txt
sops encrypt --age "$pq" --encrypted-regex '^(data|stringData)$' secret.yaml >pq.sops.yaml
expect 'plugin: decrypt what sops made' with pq.sops.yaml clear.yaml "$ours" decrypt --identity pq-plugin.txt
refuse 'plugin: native post-quantum identity' with pq.sops.yaml clear.yaml "$ours" decrypt --identity pq.txt
printf 'post-quantum recipients by age-plugin-pq\n'

# Creation rules: the same recipients, option and scope of the MAC as sops chooses for the same path.
cat >.sops.yaml <<YAML
creation_rules:
  - path_regex: ^clusters/prod/.*\.enc\.yaml$
    encrypted_regex: ^(data|stringData)$
    age: $first
  - path_regex: clusters/(dev|test)/
    key_groups:
      - merge:
          - age: [$second]
        age: ["$first", "$second"]
    mac_only_encrypted: true
  - path_regex: \.json$
    unencrypted_suffix: _clear
    age: "$second, $first,"
  - path_regex: legacy
    pgp: FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4
  - path_regex: groups
    shamir_threshold: 2
    key_groups: [{age: [$first]}, {age: [$second]}]
  - path_regex: ssh
    age:
      - $(<"$keys/ssh_ed25519.pub")
    encrypted_suffix: _enc
YAML
for path in clusters/prod/a/secret.enc.yaml clusters/prod/x.yaml clusters/dev/x.yaml x/clusters/test/y.yaml a.json ssh/x.yaml other.yaml; do
  mkdir -p "$(dirname "$path")"
  printf 'a: b\n' >"$path"
  [[ $path != *.json ]] || printf '{"a": "b"}' >"$path"
  we=0 theirs=0
  "$ours" rule --path "$path" <.sops.yaml >by-us 2>err || we=$?
  sops encrypt --output-type yaml "$path" >encrypted 2>err || theirs=$?
  if ((we || theirs)); then
    ((we && theirs)) || fail "rule for $path: ours $we, sops $theirs: $(<err)"
    continue
  fi
  {
    sed -n 's/^ *recipient: //p' encrypted
    sed -n -E 's/^ *((un)?encrypted_(suffix|regex)): (.*)/\1 \4/p' encrypted
    grep -q 'mac_only_encrypted: true' encrypted && printf 'mac_only_encrypted true\n' || printf 'mac_only_encrypted false\n'
  } >by-sops
  diff by-us by-sops || fail "rule for $path"
done
for path in legacy/x.yaml groups/x.yaml; do
  refuse "rule for $path" with .sops.yaml by-us "$ours" rule --path "$path"
done
printf 'creation rules decide as in sops\n'

"$ours" benchmark --count 1000 --recipient "$first" --recipient "$second" --recipient "$(age-keygen -y "$keys/age-stranger.txt")"

((failures == 0)) || { printf '%d failures\n' "$failures" >&2; exit 1; }
