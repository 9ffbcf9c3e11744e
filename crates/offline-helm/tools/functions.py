#!/usr/bin/env python3
"""Asks real helm what templates give, and stores its answers beside them.

    tools/functions.py [--all] [NAME…]

reads fixtures/functions/NAME.tmpl, or all of them, and writes fixtures/functions/NAME.json. A line of a .tmpl file is a
template; a line that is empty or begins with `# ` is none. A template sees `.Values`, an empty map, and nothing else.
An answer is

    {"template": …, "helm": …}     what helm prints
    {"template": …, "base64": …}   the same, where it is no UTF-8
    {"template": …, "error": …}    why helm refuses the template, in its words

Templates that have an answer already are not asked again, unless --all is given. tests/functions.rs compares our answers
with these, and refuses a .json that is older than its .tmpl.

helm is $PULLCRED_PEERS/bin/helm3 or target/peers/bin/helm3, which `e2e/peers helm3` puts there; functions that only Helm 4
has are asked from helm4 beside it.
"""

import base64
import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

CRATE = Path(__file__).resolve().parent.parent
FIXTURES = CRATE / "fixtures" / "functions"
PEERS = Path(os.environ.get("PULLCRED_PEERS") or CRATE.parent.parent / "target" / "peers")
HELM3 = PEERS / "bin" / "helm3"
HELM4 = PEERS / "bin" / "helm4"

# The files whose functions Helm 3 does not have.
ONLY_HELM_4 = {"durations"}

# As many templates are put into one chart: every one that fails costs a run with the others.
BATCH = 60

# The answer of a template stands in base64, so that neither YAML nor line ends can change it.
ASK = '{{ include "c/templates/%s" (dict "Values" .Values) | b64enc }}'
# The values are the same for all templates of a chart, so one that changes them has to be asked alone.
VALUES = "values: {{ .Values | toJson }}\n"


def templates(path):
    """The templates of a .tmpl file, each once."""
    lines = path.read_text(encoding="utf-8").split("\n")
    return list(dict.fromkeys(line for line in lines if line.strip() and not line.startswith("# ")))


def helm(program, files):
    """What helm makes of a chart with these templates: exit code, output, error."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "templates").mkdir()
        (Path(folder) / "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 0.1.0\n")
        for name, text in files.items():
            (Path(folder) / "templates" / name).write_text(text, encoding="utf-8")
        command = [program, "template", "r", folder, "--kube-version", "1.35.0"]
        run = subprocess.run(command, capture_output=True, check=False)
    return run.returncode, run.stdout.decode(), run.stderr.decode(errors="replace")


def on_one_line(error):
    """Helm 4 writes an error on several lines."""
    return re.sub(r"^(\S+:\d+:\d+)\n  executing (.*):\n    ", r"template: \1: executing \2: ", error)


def answer_alone(program, template):
    """The answer of a template that fails."""
    code, _, error = helm(program, {"t.yaml": ASK % "t.tpl", "t.tpl": template})
    if code == 0:
        raise SystemExit(f"error: this template fails among others only: {template}")
    code, _, error = helm(program, {"t.yaml": template})
    error = on_one_line(error.removeprefix("Error: ").split("\n\nUse --debug flag")[0].rstrip("\n"))
    if code == 0 or not re.search(r"c/templates/t\.yaml:\d", error):
        raise SystemExit(f"error: this is no answer of a template: {template}\n{error}")
    return {"template": template, "error": error.replace("c/templates/t.yaml", "c/t.yaml")}


def answer_printed(template, text):
    """The answer of a template that prints something; helm takes `<no value>` out of what it prints."""
    printed = base64.b64decode(text).replace(b"<no value>", b"")
    try:
        return {"template": template, "helm": printed.decode()}
    except UnicodeDecodeError:
        return {"template": template, "base64": base64.b64encode(printed).decode()}


def answers(program, batch):
    """The answers of a few templates, by template."""
    found = {}
    while waiting := [template for template in batch if template not in found]:
        names = {f"_{number:04}.tpl": template for number, template in enumerate(waiting)}
        lines = [f"{name}: {ASK % name}\n" for name in names]
        code, out, error = helm(program, {"t.yaml": "".join(lines) + VALUES, **names})
        if code == 0 and len(batch) > 1 and not re.search(r"^values: {}$", out, re.MULTILINE):
            for template in waiting:
                found.update(answers(program, [template]))
        elif code == 0:
            for name, template in names.items():
                text = re.search(rf"^{re.escape(name)}:(.*)$", out, re.MULTILINE)[1].strip()
                found[template] = answer_printed(template, text)
        elif culprit := re.search(r"_(\d{4})\.tpl|c/templates/t\.yaml:(\d+)", error):
            template = waiting[int(culprit[1]) if culprit[1] else int(culprit[2]) - 1]
            found[template] = answer_alone(program, template)
        elif len(batch) > 1:
            # helm itself came to an end: one by one tells by what.
            for template in waiting:
                found.update(answers(program, [template]))
        else:
            raise SystemExit(f"error: helm breaks with this template: {batch[0]}\n{error[:600]}")
    return found


def main():
    arguments = sys.argv[1:]
    again = "--all" in arguments
    names = [argument for argument in arguments if argument != "--all"]
    paths = [FIXTURES / f"{name}.tmpl" for name in names] or sorted(FIXTURES.glob("*.tmpl"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for path in paths:
            stored = path.with_suffix(".json")
            known = json.loads(stored.read_text(encoding="utf-8")) if stored.exists() and not again else []
            known = {row["template"]: row for row in known}
            wanted = templates(path)
            new = [template for template in wanted if template not in known]
            batches = [new[at : at + BATCH] for at in range(0, len(new), BATCH)]
            program = HELM4 if path.stem in ONLY_HELM_4 else HELM3
            for found in pool.map(partial(answers, program), batches):
                known.update(found)
            rows = [json.dumps(known[template], ensure_ascii=False) for template in wanted]
            stored.write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")
            print(f"{path.stem}: {len(wanted)} templates, {len(new)} asked", file=sys.stderr)


if __name__ == "__main__":
    main()
