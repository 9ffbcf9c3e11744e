#!/usr/bin/env bash
# The one step of the GitHub Action: gets the program, runs it, and tells GitHub what it found. Inputs come as PULLCRED_* variables.
#
# PULLCRED_DOWNLOADS can name another place for releases than GitHub: a mirror.
set -euo pipefail

readonly downloads=${PULLCRED_DOWNLOADS:-https://github.com/pullcred/pullcred/releases/download}
readonly temporary=${RUNNER_TEMP:-${TMPDIR:-/tmp}}
work=$(mktemp -d "$temporary/pullcred.XXXXXX")

fail() {
  printf '::error title=pullcred::%s\n' "$(escaped "$*")"
  exit 2
}

# escaped TEXT: as the message of a workflow command.
escaped() {
  local text=${1//'%'/'%25'}
  text=${text//$'\r'/'%0D'}
  printf '%s' "${text//$'\n'/'%0A'}"
}

# quietly COMMAND…: what it prints is not read as workflow commands; names and texts of a pull request could look like some.
quietly() {
  local token status=0
  token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  printf '::stop-commands::%s\n' "$token"
  "$@" || status=$?
  printf '\n::%s::\n' "$token"
  return "$status"
}

output() {
  printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
}

# released: the version to download, nothing when the action is to be built.
released() {
  local wanted=${PULLCRED_VERSION#v} version='^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$'
  if [[ -n $wanted ]]; then
    [[ $wanted =~ $version ]] || fail "\`version\` is no version: $wanted"
    printf '%s' "$wanted"
  elif [[ ${PULLCRED_REF:-} == v* && ${PULLCRED_REF#v} =~ $version ]]; then
    printf '%s' "${PULLCRED_REF#v}"
  fi
}

platform() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) printf x86_64-unknown-linux-musl ;;
    Linux-aarch64) printf aarch64-unknown-linux-musl ;;
    Darwin-arm64) printf aarch64-apple-darwin ;;
    *) return 1 ;;
  esac
}

# download VERSION: the released program, whose checksum has to be that of the release.
download() {
  local archive sums=$work/SHA256SUMS
  archive=pullcred-$(platform).tar.gz || fail "nothing is released for $(uname -sm); leave out \`version\` and use a commit of the action"
  local file
  for file in "$archive" SHA256SUMS; do
    curl --fail --silent --show-error --location --retry 3 --proto '=https,file' --output "$work/$file" "$downloads/v$1/$file" ||
      fail "cannot download $file of version $1"
  done
  grep -E "^[0-9a-f]{64}  $archive\$" "$sums" >"$sums.one" || fail "the release names no checksum of $archive"
  (cd "$work" && sha256 --check --status "$sums.one") || fail "the checksum of $archive is not that of the release"
  tar -xzf "$work/$archive" -C "$work" pullcred
}

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

# build: the program from the action's own checkout.
build() {
  command -v cargo >/dev/null || fail 'neither `version` nor Rust is given: one of them is needed'
  printf '::group::build pullcred\n'
  cargo install --quiet --locked --bin pullcred --no-track --root "$work/built" --path "$PULLCRED_ACTION" || fail 'the build failed'
  printf '::endgroup::\n'
  mv "$work/built/bin/pullcred" "$work/pullcred"
}

# count KEY: a number of the report's summary.
count() {
  sed -n "/\"summary\"/,\$s/^ *\"$1\": \([0-9]*\).*/\1/p" "$work/report.json"
}

# examine: findings as they are now; the arguments that only a change has are none of a check's.
examine() {
  local status=0 argument checked=()
  for argument in ${args[@]+"${args[@]}"}; do
    case $argument in
      --diff | --dry-run | --exit-code | --allow-expiring | --force) ;;
      *) checked+=("$argument") ;;
    esac
  done
  pullcred check --format json ${checked[@]+"${checked[@]}"} >"$work/report.json" 2>"$work/messages" || status=$?
  ((status < 2)) || {
    quietly cat "$work/messages"
    exit 2
  }
  output findings "$(($(count errors) + $(count warnings)))"
  pullcred check ${checked[@]+"${checked[@]}"} >"$work/report.txt" 2>&1 || true
  summarise
  return "$status"
}

summarise() {
  [[ -n ${GITHUB_STEP_SUMMARY:-} ]] || return 0
  {
    printf '### pullcred %s\n\n' "$PULLCRED_COMMAND"
    printf '| errors | warnings | notes | files | pod specs |\n|---|---|---|---|---|\n'
    printf '| %s | %s | %s | %s | %s |\n\n' "$(count errors)" "$(count warnings)" "$(count notes)" "$(count files)" "$(count podSpecs)"
    # GitHub takes up to 1 MiB.
    printf '<pre>\n%s\n</pre>\n' "$(head -c 500000 "$work/report.txt" | sed 's/&/\&amp;/g; s/</\&lt;/g')"
  } >>"$GITHUB_STEP_SUMMARY"
}

# tell: the findings in the format that was asked for.
tell() {
  local report
  case $PULLCRED_FORMAT in
    github) pullcred check --format github --quiet ${args[@]+"${args[@]}"} ;;
    text) quietly cat "$work/report.txt" ;;
    *)
      report=$work/pullcred.$PULLCRED_FORMAT
      pullcred check --format "$PULLCRED_FORMAT" ${args[@]+"${args[@]}"} >"$report" 2>/dev/null
      ;;
  esac || (($? == 1)) || fail "the findings cannot be told as $PULLCRED_FORMAT"
  output report "${report:-}"
}

# refuse_strangers: whoever opened the pull request could have named himself a reader.
refuse_strangers() {
  case $PULLCRED_COMMAND in sync | encrypt) ;; *) return 0 ;; esac
  [[ ${PULLCRED_ALLOW_FORKS:-false} != true ]] || return 0
  if [[ ${GITHUB_EVENT_NAME:-} == pull_request_target || ${PULLCRED_FORK:-false} == true ]]; then
    fail "\`$PULLCRED_COMMAND\` encrypts credentials for whoever the branch names: not on \`pull_request_target\` or for a fork, unless \`allow-forks: true\`"
  fi
}

main() {
  local version status=0 args=()
  case $PULLCRED_COMMAND in
    check | sync | inject | encrypt) ;;
    *) fail "\`command\` is none of \`check\`, \`sync\`, \`inject\`, \`encrypt\`: $PULLCRED_COMMAND" ;;
  esac
  case $PULLCRED_FORMAT in github | text | json | sarif) ;; *) fail "unknown \`format\`: $PULLCRED_FORMAT" ;; esac
  refuse_strangers
  [[ -z ${PULLCRED_AGREED:-} ]] || export PULLCRED_TRUST=$PULLCRED_AGREED
  read -r -d '' -a args <<<"$PULLCRED_ARGS" || true
  version=$(released)
  if [[ -n $version ]]; then download "$version"; else build; fi
  PATH=$work:$PATH
  cd -- "$PULLCRED_DIRECTORY" || fail "no folder: $PULLCRED_DIRECTORY"
  pullcred --version
  if [[ $PULLCRED_COMMAND == check ]]; then
    examine || status=$?
    output changed false
    tell
    exit "$status"
  fi
  # Nothing waits on stdin here.
  quietly pullcred "$PULLCRED_COMMAND" --exit-code ${args[@]+"${args[@]}"} </dev/null || status=$?
  ((status < 2)) || exit "$status"
  if ((status == 1)); then output changed true; else output changed false; fi
  # What is left is told, and fails nothing: a later `check` does.
  examine || true
  output report ''
}

main
