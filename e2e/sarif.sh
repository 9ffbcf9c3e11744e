#!/usr/bin/env bash
# What `check` writes for other programs, judged by others: SARIF by the official schema, JUnit by an XML parser; and a run
# upon its own baseline is clean.
#
# The tree is every input of fixtures/cases and a few files with names that a URI or XML cannot hold as they are.
# needs: cargo go python3
set -euo pipefail

: "${ROOT:?started by e2e/run}"
readonly SCHEMA_MODULE=github.com/owenrumney/go-sarif/v3@v3.3.1 # carries the schema of OASIS, errata 01
readonly JSONSCHEMA=jsonschema==4.26.0

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# check ARGUMENT…: `pullcred check` on the tree; findings are no failure, anything else is.
check() {
  local status=0
  pullcred check -q -C tree --secret 'every' "$@" || status=$?
  ((status == 1)) || fail "check $*: status $status instead of 1"
}

make_tree() {
  mkdir tree
  git -C tree init -q
  local case
  for case in "$ROOT"/fixtures/cases/*/*/in; do
    mkdir -p "tree/${case#"$ROOT"/fixtures/cases/}"
    cp -R "$case/." "tree/${case#"$ROOT"/fixtures/cases/}/"
  done
  find tree -name '.pullcred.yaml' -delete
  local name
  for name in 'blank and ü.yaml' 'hash#per%cent.yaml' 'a&b<c>"d".yaml' "it's [one]{two}.yaml" 'q?u=e:r.yaml'; do
    printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: odd}\nspec:\n  containers:\n    - {name: a, image: r.example.com/a:1}\n' >"tree/$name"
  done
}

validate() {
  GOFLAGS=-mod=mod go mod download -json "$SCHEMA_MODULE" >module.json
  python3 -m venv venv
  venv/bin/pip install --quiet --disable-pip-version-check "$JSONSCHEMA"
  venv/bin/python - <<'PYTHON'
import json, re, urllib.parse, os, xml.etree.ElementTree as xml
import jsonschema

folder = json.load(open("module.json"))["Dir"]
source = open(f"{folder}/pkg/report/v210/sarif/schema.go").read()
schema = json.loads(re.search(r"`(.*)`", source, re.S).group(1))
validator = jsonschema.validators.validator_for(schema)(schema, format_checker=jsonschema.FormatChecker())

for name in ("clean.sarif", "all.sarif", "strict.sarif"):
    log = json.load(open(name))
    errors = list(validator.iter_errors(log))
    assert not errors, (name, errors[0])
    [run] = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert all(rule["help"]["text"] for rule in rules)
    prints = set()
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        [location] = result["locations"]
        place = location["physicalLocation"]
        file = urllib.parse.unquote(place["artifactLocation"]["uri"])
        with open(f"tree/{file}", encoding="utf-8-sig", errors="replace", newline="\n") as lines:
            assert place["region"]["startLine"] <= sum(1 for _ in lines) + 1, file
        prints.add(result["partialFingerprints"]["primaryLocationLineHash"])
    assert len(prints) == len(run["results"]), "a fingerprint is not unique"
    print(f"{name}: valid, {len(run['results'])} results, {len(rules)} rules")
    if name == "all.sarif":
        files = {urllib.parse.unquote(r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]) for r in run["results"]}
        odd = [file for file in os.listdir("tree") if file.endswith(".yaml")]
        assert len(odd) == 5 and files.issuperset(odd), odd

for name in ("clean.xml", "all.xml", "strict.xml"):
    root = xml.parse(name).getroot()
    cases, count = root.findall(".//testcase"), lambda tag: len(root.findall(f".//{tag}"))
    expected = {"tests": len(cases), "failures": count("failure"), "skipped": count("skipped"), "errors": 0}
    assert {key: int(root.get(key)) for key in expected} == expected, name
    for key in expected:
        assert sum(int(suite.get(key)) for suite in root.findall("testsuite")) == expected[key], (name, key)
    print(f"{name}: well-formed,", ", ".join(f"{number} {key}" for key, number in expected.items()))
assert int(xml.parse("strict.xml").getroot().get("skipped")) == 0
PYTHON
}

make_tree
mkdir empty
pullcred check -q -C empty --secret every --format sarif >clean.sarif
pullcred check -q -C empty --secret every --format junit >clean.xml
for format in sarif junit; do
  extension=${format/junit/xml}
  check --format "$format" >"all.$extension"
  pullcred check -C tree --secret every --strict --format "$format" >"strict.$extension" 2>messages && fail 'strict is clean'
done
validate

pullcred check -C tree --secret every --write-baseline ../baseline.json 2>messages
cat messages
# Every line moves, nothing is new.
find tree -name '*.y*ml' -exec sed -i '1s/^\(\xef\xbb\xbf\)\?/\1\n\n/' {} +
pullcred check -q -C tree --secret every --baseline ../baseline.json >new || { head -20 new; fail 'a finding that only moved is new'; }
