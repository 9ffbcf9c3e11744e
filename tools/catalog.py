#!/usr/bin/env python3
"""Make the embedded catalog of custom kinds.

usage: tools/catalog.py SOURCE.json > data/catalog.tsv
       tools/catalog.py --sources SOURCE.json      the table of sources for data/README.md

SOURCE.json is the full catalog that the facts were collected in: for every kind its paths with types, shapes,
purposes and where each was read. What pullcred needs of it becomes one line per site, sorted by its bytes, so that
a change of the source is a small diff and the program finds a kind by binary search. The columns are explained in
data/README.md.

A value that this script does not know stops it: somebody has to decide what pullcred does with it.
"""

import collections
import json
import sys

PULL_SECRETS = ".imagePullSecrets"
POD_SPECS = {
    "pod-spec": "pod-spec",
    "open-pod-spec": "open-pod-spec",
    "open-pod-template": "open-pod-spec",
    "open-workload-spec": "open-pod-spec",
    "open-workload-map": "open-pod-spec",
    "open-job-template": "open-pod-spec",
}
SHAPES = {
    "list-name": "list-name",
    "list-string": "list-string",
    "object-name": "object-name",
    "string": "string",
    "list-open": "other",
    "list-other": "other",
    "object-other": "other",
}
SCOPES = {"Namespaced": None, "Cluster": "cluster", "Cluster/Namespaced": "unknown", None: "unknown"}
PURPOSES = {
    None, "build", "chart", "cluster-install", "image-verify", "node-os", "oci-artifact", "package", "prepull",
    "registry-query", "service-account", "vm-disk",
}
SUSPECT = {
    None: None,
    "resource of an outside service, not a pod of this cluster": "outside-service",
    "child object, written by the operator": "controller-owned",
    "child object, written by the controller": "controller-owned",
    "child object, written by the package manager": "controller-owned",
    "written by the operator": "controller-owned",
    "written by the controller": "controller-owned",
    "an analyser that checks a secret, not a reference": "not-a-reference",
    "not a pull secret: YAML text of Argo CD repository credentials": "not-a-reference",
    "inline file content, not a secret name": "not-a-reference",
    "inline user name and password": "not-a-reference",
    "names a CredentialStoreConfig, not a Secret": "not-a-reference",
    "credentials of a Git, OCI or bucket source": "other-credentials",
    "the source file looks misplaced: it holds the schema of helm.fluxcd.io/v1": "doubtful-source",
}
FORMATS = {
    None,
    "name or namespace/name",
    "namespace/name",
    "one string under a plural name; may be a separated list",
    "tool-specific, see its documentation",
}
# A version that the source does not list is taken to be newer and to have the kind's sites. Not so here: v1alpha1 is
# older and refuses the field.
CLOSED = {("triggers.tekton.dev", "EventListener")}


def known(table, value, what):
    if value not in table:
        raise SystemExit(f"error: {what} `{value}` is not known to tools/catalog.py")
    return table[value] if isinstance(table, dict) else value


def place(path):
    """The path and site columns: where the pod spec, field or object is, and which of them it is."""
    kind = path["type"]
    if kind in POD_SPECS:
        if path["shape"] != "list-name" or not path["insert"].endswith(PULL_SECRETS):
            raise SystemExit(f"error: `{path['insert']}` is not the list of a pod spec")
        return path["insert"].removesuffix(PULL_SECRETS), POD_SPECS[kind]
    if kind == "field":
        if path["insert"] != path["path"]:
            raise SystemExit(f"error: the field `{path['path']}` is not the place to write")
        return path["path"], known(SHAPES, path["shape"], "shape")
    return path["path"], known({"embedded-object", "containers-only"}, kind, "type")


def suspect(path):
    """Why a site must not be written without a further look, if so."""
    reason = known(SUSPECT, path.get("suspect"), "suspect reason")
    if known(FORMATS, path.get("format"), "format") and not reason:
        return "name-format"
    if path.get("shape") == "list-open" and not reason:
        return "open-list"
    return reason


def row(kind, path):
    where, site = place(path)
    closed = kind["versions"] if (kind["group"], kind["kind"]) in CLOSED else []
    notes = {
        "purpose": known(PURPOSES, path.get("purpose"), "purpose"),
        "scope": known(SCOPES, kind.get("scope"), "scope"),
        "suspect": suspect(path),
        "versions": ",".join(path.get("versions", closed)) or None,
    }
    columns = [kind["group"], kind["kind"], where, site]
    columns.append(" ".join(f"{name}={value}" for name, value in notes.items() if value))
    if any(not column.isascii() or "\t" in column or "\n" in column for column in columns):
        raise SystemExit(f"error: a column cannot hold {columns}")
    return "\t".join(columns).rstrip("\t")


def catalog(source):
    kinds, counts = source["kinds"], source["counts"]
    rows = sorted(row(kind, path) for kind in kinds for path in kind["paths"])
    types = collections.Counter(path["type"] for kind in kinds for path in kind["paths"])
    if (len(kinds), len(rows), dict(types)) != (counts["kinds"], counts["paths"], counts["pathsByType"]):
        raise SystemExit("error: the source does not hold what its own counts say")
    if len(set(rows)) != len(rows):
        raise SystemExit("error: a site is there twice")
    return "\n".join(["\t".join(["group", "kind", "path", "site", "notes"]), *rows])


def sources(source):
    lines = ["| repository | commit | files | licence |", "|---|---|---|---|"]
    merged = {}
    for one in source["sources"]:
        key = (one["repo"], one["commit"][:12], one["licence"])
        merged.setdefault(key, []).extend(one["read"])
    for (repository, commit, licence), files in sorted(merged.items(), key=lambda item: item[0][0].lower()):
        files = ", ".join(f"`{file}`" for file in files)
        lines.append(f"| [{repository}](https://github.com/{repository}) | {commit} | {files} | {licence} |")
    return "\n".join(lines)


def main(arguments):
    render = sources if arguments[:1] == ["--sources"] else catalog
    names = arguments[1:] if render is sources else arguments
    if len(names) != 1 or names[0].startswith("-"):
        raise SystemExit(__doc__.strip())
    with open(names[0], encoding="utf-8") as file:
        print(render(json.load(file)))


if __name__ == "__main__":
    main(sys.argv[1:])
