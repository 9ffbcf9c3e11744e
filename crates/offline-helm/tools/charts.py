#!/usr/bin/env python3
"""Writes what real Helm makes of the charts in fixtures/charts: charts.py HELM3 HELM4

Each folder holds `chart/`, the `flags` that it is rendered with (one on a line; `#` says what the chart is about), and what came out:
`helm.yaml` of Helm 3, `helm4.yaml` where the objects of Helm 4 differ, or `refused` with Helm's words where it refuses. Folders without any
of these are rendered too, so a new chart needs `chart/` and `flags` alone. Helm 3.22 and 4.3 are built by `e2e/peers helm3 helm4`.
"""

import pathlib
import shlex
import subprocess
import sys

import yaml

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "charts"


def render(helm, folder):
    flags = []
    for line in (folder / "flags").read_text().splitlines():
        if line and not line.startswith("#"):
            flags += line.split(" ", 1)
    if "--kube-version" not in flags:
        flags += ["--kube-version", "1.35.0"]
    command = [helm, "template", "rel", "chart", "--namespace", "ns", *flags]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def objects(text):
    return [document for document in yaml.load_all(text, yaml.CBaseLoader) if document is not None]


def write(path, text):
    if text is None:
        path.unlink(missing_ok=True)
    else:
        path.write_text(text)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    for folder in sorted(path for path in FIXTURES.iterdir() if path.is_dir()):
        three, four = (render(helm, folder) for helm in sys.argv[1:])
        if (three.returncode == 0) != (four.returncode == 0):
            print(f"{folder.name}: helm 3 ends with {three.returncode}, helm 4 with {four.returncode}: {shlex.quote(four.stderr)}")
        refused = three.returncode != 0
        error = three.stderr[three.stderr.rfind("Error: ") :] if refused else None
        write(folder / "refused", error)
        write(folder / "helm.yaml", None if refused else three.stdout)
        same = refused or four.returncode != 0 or objects(three.stdout) == objects(four.stdout)
        write(folder / "helm4.yaml", None if same else four.stdout)


main()
