#!/usr/bin/env bash
# Secrets on disks that are full or read-only, and in real worktrees and submodules of Git.
# needs: git unshare
# peers: age-keygen
set -euo pipefail
: "${ROOT:?started by e2e/run}"
source "$ROOT/e2e/lib/secrets.bash"

# state: every file with its content.
state() {
  find repo -type f -not -path '*/.git/*' -exec sha256sum {} + | sort
}

# untouched WHAT: all is as it was, and nothing was left behind.
untouched() {
  diff before <(state) >difference || fail "$1: $(<difference)"
  [[ -z $(find repo -name '.pullcred-*') ]] || fail "$1: a temporary file was left behind"
}

# A file system of their own, which only this process and its children see.
inside() {
  mkdir -p repo
  mount -t tmpfs -o size=512k none repo
  repository repo
  state >before

  # No byte is free.
  dd if=/dev/zero of=repo/.git/filler bs=1k status=none 2>/dev/null || true
  status 2 pullcred -C repo sync
  says 'No space left on device'
  says 'clusters/prod/pull-secrets/shop/'
  untouched 'a full disk'
  # Room for some of the files: each is there as a whole or not at all, and no kustomization lists what is not.
  truncate -s -16k repo/.git/filler
  status 2 pullcred -C repo -j 1 sync
  says 'No space left on device'
  local file
  while IFS= read -r file; do
    tail -n 1 "$file" | grep -q '^    version: ' || fail "$file is cut short"
  done < <(find repo -path '*/pull-secrets/*.yaml')
  [[ $(find repo -path '*/pull-secrets/*.yaml' | wc -l) -gt 0 ]] || fail 'there should have been room for one file'
  ! grep -q sops repo/clusters/prod/kustomization.yaml || fail 'a kustomization lists what may not be there'
  rm repo/.git/filler
  status 0 pullcred -C repo sync
  status 0 pullcred -C repo sync --exit-code
  echo 'full disk: told by file and cause, every file whole, the next run finishes'

  # Read-only as a whole, then the place of the Secrets alone. Who changes nothing needs no leave to.
  export ACR_PASSWORD=another
  state >before
  mount -o remount,ro repo
  local command
  for command in sync encrypt 'rotate --identity '"$keys/age.txt"; do
    # shellcheck disable=SC2086 # a command and its flags
    status 2 pullcred -C repo $command
    says 'Read-only file system'
    says 'clusters/prod/pull-secrets/shop/'
  done
  for command in inject check 'updatekeys --identity '"$keys/age.txt"; do
    # shellcheck disable=SC2086
    status 0 pullcred -C repo $command
  done
  untouched 'a read-only disk'
  mount -o remount,rw repo
  mount --bind repo/clusters/prod/pull-secrets repo/clusters/prod/pull-secrets
  mount -o remount,bind,ro repo/clusters/prod/pull-secrets
  creation_rules "$mine,$second" >repo/.sops.yaml
  pullcred -C repo trust --quiet
  for command in sync updatekeys rotate; do
    state >before
    status 2 pullcred -C repo "$command" --identity "$keys/age.txt"
    says 'Read-only file system'
    says 'clusters/prod/pull-secrets/shop/'
    diff <(grep prod/ before) <(state | grep prod/) >difference || fail "$command: $(<difference)"
  done
  umount repo/clusters/prod/pull-secrets
  status 0 pullcred -C repo sync
  status 0 pullcred -C repo updatekeys --identity "$keys/age.txt"
  status 0 pullcred -C repo check --strict
  echo 'read-only: told by file and cause, nothing changes'
}

# What a clone knows for itself, in the worktrees and submodules of Git itself.
clones() {
  repository first
  status 0 pullcred -C first sync
  git -C first add -A && git -C first commit -qm all
  git -C first worktree add -q ../tree
  status 0 pullcred -C tree sync --exit-code --verbose
  ! grep -q secret-unverified "$OUT" || fail 'a worktree does not know what its clone wrote'
  ACR_PASSWORD=other status 1 pullcred -C tree sync --exit-code
  git -C tree commit -qam other
  git -C first merge -q --ff-only tree
  ACR_PASSWORD=other status 0 pullcred -C first sync --exit-code --verbose
  ! grep -q secret-unverified "$OUT" || fail 'a clone does not know what its worktree wrote'
  git -C first checkout -q HEAD~1
  ACR_PASSWORD=other status 1 pullcred -C first sync --exit-code
  says '3 Secrets written'
  git -C first checkout -qf tree --detach

  git init -q outer
  git -C outer -c protocol.file.allow=always submodule --quiet add "$PWD/first" module
  status 0 pullcred -C outer/module sync --exit-code --verbose
  says secret-unverified # another clone has no way to know
  status 2 pullcred -C outer/module encrypt --exit-code --force
  says recipient-untrusted # what a submodule was cloned from, somebody else chose
  pullcred -C outer/module trust --quiet
  status 1 pullcred -C outer/module encrypt --exit-code --force
  ls outer/.git/modules/module/pullcred/written >/dev/null || fail 'the memory of a submodule is not in its clone'
  status 0 pullcred -C outer/module sync --exit-code --verbose
  ! grep -q secret-unverified "$OUT" || fail 'a submodule does not know what it wrote'
  [[ -z $(git -C outer/module status --porcelain | grep -v 'pull-secrets/') ]] || fail 'something else changed'
  [[ ! -e outer/.git/pullcred ]] || fail 'the outer repository knows of it'
  rm -rf outer/.git/modules/module/pullcred
  status 0 pullcred -C outer/module sync --exit-code --verbose
  says secret-unverified
  echo 'worktrees share what their clone knows, submodules have their own, and it can be lost'
}

if [[ ${1:-} == inside ]]; then
  inside
else
  # Some systems let nobody but root mount.
  isolated=(unshare --user --map-root-user --mount)
  "${isolated[@]}" true 2>/dev/null || isolated=(sudo -n --preserve-env env "PATH=$PATH" unshare --mount)
  "${isolated[@]}" bash "$ROOT/e2e/secrets-disk.sh" inside
  clones
fi
