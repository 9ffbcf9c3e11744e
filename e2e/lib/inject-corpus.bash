# For a check that judges what `inject` does to the corpus: the folder $before, which must stay as it is, the tree `after`, the
# program `manifests` that compares them, and $least, the number of built-in pod specs that must list the secret.

# inject FOLDER: one secret for every image. The corpus has files that are broken on purpose, so status 2 is none of our failures
# as long as only they, and what cannot be edited, built or given through a chart, are named; what `inject` says is kept in FOLDER.log.
inject() {
  local status=0
  pullcred -C "$1" inject --secret regcred >"$1.log" 2>&1 || status=$?
  if ((status == 2)); then
    grep '^error: ' "$1.log" >"$1.errors"
    # Our own fixtures have files that nobody could edit, too.
    local meant='parse-error|build-fails|chart-no-hook'
    [[ $before != */fixtures ]] || meant+='|edit-refused'
    # A custom kind may tell its image and have no place for its pull secret.
    if grep -Ev "\[($meant)\]\$|but there is no place for " "$1.errors"; then
      return 1
    fi
  elif ((status != 0)); then
    tail "$1.log"
    return 1
  fi
}

before=$("$ROOT/e2e/corpus")
cp -r "$before" after
go -C "$ROOT/e2e/manifests" build -o "$PWD/manifests" .
inject after

# The corpus of 22 repositories is known; any other tree has to have something to judge.
least=1
if [[ $before == */target/corpus && $(<"$before.sum") == cf74bd721869cd06* ]]; then
  least=954
fi
