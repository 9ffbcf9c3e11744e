#!/usr/bin/env bash
# `pullcred fn` as an exec function of the real kustomize, and the plain pipe behind it, as docs/kustomize.md has them; and the plugin of the
# real kubectl.
# needs: git
# peers: kustomize kubectl yq
set -euo pipefail
: "${ROOT:?started by e2e/run}"
source "$ROOT/e2e/lib/host.bash"

# build FOLDER…: with what functions need, as the page has it for the folder `overlay`.
build() {
  local command folder=$1
  command=$(documented kustomize function)
  [[ $command == *' overlay' ]] || fail "docs/kustomize.md builds something else: $command"
  bash -euo pipefail -c "${command% overlay} $folder"
}

# The page's transformer, which is the configuration object with one annotation more, and its kustomization.
shop shop
mkdir -p shop/overlay
{ echo 'namespace: shop' && documented kustomize kustomization.yaml; } >shop/overlay/kustomization.yaml
documented kustomize pullcred.yaml >shop/overlay/pullcred.yaml

build shop/overlay >by-function.yaml
# The same build of files that were finished beforehand.
cp -r "$ROOT/fixtures/hosts/out" done
mkdir done/overlay
sed '/^transformers/,$d' shop/overlay/kustomization.yaml >done/overlay/kustomization.yaml
kustomize build done/overlay >expected.yaml
objects expected.yaml >expected
diff expected <(objects by-function.yaml) || fail 'function: not what finished files build to'
(($(wc -l <expected) == 4)) || fail 'the sample should build to four objects'
status 0 git -C shop diff --quiet
echo 'function: a build with it equals a build of finished files'

# Field order and comments survive where kustomize keeps them: only lines are added to what it gives us.
cp -r shop without
sed -i '/^transformers/,$d' without/overlay/kustomization.yaml
kustomize build without/overlay >without.yaml
diff without.yaml by-function.yaml >changes || true
if grep -q '^<' changes; then fail "a line of the build is gone: $(<changes)"; fi
printf 'function: %s lines added, none changed\n' "$(grep -c '^>' changes)"

# The pipe gives the same.
env -C without bash -euo pipefail -c "$(documented kustomize pipe)" >by-pipe.yaml
diff expected <(objects by-pipe.yaml) || fail 'pipe: not what finished files build to'
echo 'pipe: the same'

# Encrypted Secrets stay for Flux, which decrypts after the build.
cat >shop/overlay/secret.yaml <<'YAML'
apiVersion: v1
kind: Secret
metadata: {name: pull}
data: {a: "ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]"}
sops: {mac: "ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]", version: 3.9.0}
YAML
sed -i 's/^- ..\/deploy/&\n- secret.yaml/' shop/overlay/kustomization.yaml
build shop/overlay | grep -q 'ENC\[' || fail 'an encrypted Secret is gone'

# Mistakes fail the build and name their place.
sed 's/registries/registires/' -i shop/overlay/pullcred.yaml
status 1 build shop/overlay
says 'unknown key `registires`'
says 'did you mean `registries`'
sed -i 's/registires/registries/' shop/overlay/pullcred.yaml
cat >shop/overlay/broken.yaml <<'YAML'
apiVersion: v1
kind: Pod
metadata: {name: broken}
spec:
  imagePullSecrets: {not: a list}
  containers: [{name: a, image: myregistry.azurecr.io/a}]
YAML
sed -i 's/^- ..\/deploy/&\n- broken.yaml/' shop/overlay/kustomization.yaml
status 1 build shop/overlay
says 'edit-refused'
echo 'function: mistakes fail the build'

# kubectl finds programs on the PATH by their name.
mkdir plugins && ln -s "$(command -v pullcred)" plugins/kubectl-pullcred
PATH=$PWD/plugins:$PATH
status 0 kubectl plugin list
says kubectl-pullcred
status 1 kubectl pullcred check -C without
says pull-secret-missing
diff <(objects done/deploy/{web,batch}.yaml) <(kubectl pullcred -C without generate deploy | objects -) || fail 'kubectl pullcred: another stream'
echo 'kubectl: a plugin'
