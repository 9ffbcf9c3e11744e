#!/usr/bin/env python3
"""Make the embedded facts of charts.

usage: tools/charts.py SOURCE.json > data/charts.json
       tools/charts.py --sources SOURCE.json      the table of sources for data/README.md

SOURCE.json is the published file of facts, measured by rendering: which values of a chart give which pods a pull secret,
and which values name images. What pullcred needs of it becomes one line per chart, in the form of `.pullcred/charts.json`
(schema/charts.schema.json), so that a change of the source is a small diff. Only facts are kept.

A value that this script does not know stops it: somebody has to decide what pullcred does with it.
"""

import json
import re
import sys

SHAPES = {"list-name", "list-string", "string"}
KINDS = {"pod", "serviceAccount", "both", "object", "text"}
# Addresses that hold for all charts of a source besides those that were seen.
ADDRESSES = {"bitnami/charts": ["https://charts.bitnami.com/bitnami", "oci://registry-1.docker.io/bitnamicharts"]}
# Versions that a source writes into its repository and nobody releases.
PLACEHOLDER = re.compile(r"v?0\.0\.[01]($|-)")
PLACEHOLDER_SOURCES = {"istio/istio"}
# What the measured values of these charts were only an example of: `*` is each entry of a map.
MAPS = {
    ("bjw-s-labs/helm-charts", "app-template"): {
        "controllers": "controllers",
        "paths": [
            {"path": "controllers.*.pod.imagePullSecrets", "shape": "list-name"},
            {"path": "defaultPodOptions.imagePullSecrets", "shape": "list-name", "loses": True},
        ],
        "images": [
            {"path": f"controllers.*.{containers}.*.image", "move": "repository", "fields": ["tag", "digest"]}
            for containers in ("containers", "initContainers")
        ],
    },
}

# Versions that were read, not rendered: their templates take pull secrets and images from the same values.
READ = {("bjw-s-labs/helm-charts", "app-template"): ["5.2.1"]}


def version(chart):
    placeholder = PLACEHOLDER.match(chart["version"]) or chart["source"] in PLACEHOLDER_SOURCES
    return "" if placeholder else chart["version"].removeprefix("v")


def whole(reached):
    counts = re.fullmatch(r"(\d+)/(\d+)", reached)
    return bool(counts) and counts[1] == counts[2]


def versions(chart):
    """Versions that were tried: those whose pods `set` reaches, and those whose it does not."""
    tried = chart.get("otherVersions", {})
    also = [v.removeprefix("v") for v, reached in tried.items() if whole(reached) and v != chart["version"]]
    return {
        "also": sorted(also + READ.get((chart["source"], chart["chart"]), [])),
        "not": sorted(v.removeprefix("v") for v, reached in tried.items() if not whole(reached)),
    }


def addresses(chart, shared):
    seen = [a if "://" in a else f"oci://{a}" for a in chart.get("seenAt", []) if "/" in a]
    own = {a.rstrip("/") for a in seen if a.rsplit("/", 1)[-1] == chart["chart"]}
    return sorted(own | shared[chart["source"]])


def loses(path, pods):
    lost = path.get("loses", [])
    reached = pods if path.get("covers") == "all" else [p for p in pods if p not in path.get("notCovered", [])]
    reached = path.get("covered", reached)
    if lost == "all" or (lost and set(reached) <= set(lost)):
        return True
    return sorted(lost) or None


def place(path, pods):
    if path["kind"] not in KINDS:
        raise SystemExit(f"error: kind `{path['kind']}` is not known to tools/charts.py")
    if path["kind"] in ("object", "text"):
        return None
    if path["shape"] not in SHAPES:
        raise SystemExit(f"error: shape `{path['shape']}` is not known to tools/charts.py")
    reached = path.get("covered")
    if "notCovered" in path:
        reached = [pod for pod in pods if pod not in path["notCovered"]]
    out = {"path": path["path"], "shape": path["shape"], "pods": reached, "loses": loses(path, pods)}
    if path["kind"] == "serviceAccount":
        out["serviceAccount"] = True
    return out


def compact(entry):
    return {key: value for key, value in entry.items() if value not in (None, [], {}, "", False)}


def facts(chart, shared):
    pods = chart["pods"] + chart.get("optionalPods", [])
    images = [i for i in chart["images"] if not i.get("notInPods")]
    entry = {
        "chart": chart["chart"],
        "version": version(chart),
        **versions(chart),
        "source": chart["source"],
        "seenAt": addresses(chart, shared),
        "pods": chart["pods"],
        "optionalPods": chart.get("optionalPods", []),
        "set": [{"path": path, "shape": shape} for path, shape in chart["set"]],
        "paths": [compact(p) for p in (place(p, pods) for p in chart["paths"]) if p],
        "images": [compact({k: i.get(k) for k in ("path", "move", "fields", "default", "optional")}) for i in images],
        "globalRegistry": chart.get("globalRegistry"),
        "otherImages": chart.get("otherImages"),
    }
    for spread in [MAPS.get((chart["source"], chart["chart"]))]:
        if spread:
            entry.update(spread, pods=[], optionalPods=[])
    return compact(entry)


def main():
    show_sources = sys.argv[1:2] == ["--sources"]
    with open(sys.argv[-1], encoding="utf-8") as file:
        source = json.load(file)
    if source["format"] != 1:
        raise SystemExit("error: the source has another format")
    if show_sources:
        used = {chart["source"] for chart in source["charts"]}
        print("| repository | commit | licence |\n|---|---|---|")
        for name in sorted(used, key=str.lower):
            about = source["sources"][name]
            licence = about["licence"] or "no licence file seen"
            print(f"| [{name}](https://github.com/{name}) | {about['commit'][:12]} | {licence} |")
        return
    shared = {chart["source"]: set(ADDRESSES.get(chart["source"], [])) for chart in source["charts"]}
    for chart in source["charts"]:
        for address in chart.get("seenAt", []):
            if address.startswith("https://"):
                shared[chart["source"]].add(address.rstrip("/"))
            elif address.startswith("oci://") and address.rsplit("/", 1)[-1] != chart["chart"]:
                shared[chart["source"]].add(address.rstrip("/"))
    lines = []
    for chart in sorted(source["charts"], key=lambda c: (c["chart"], c["source"])):
        lines.append(json.dumps(facts(chart, shared), separators=(",", ":"), ensure_ascii=True))
    print('{"version":1,"charts":[\n' + ",\n".join(lines) + "\n]}")


if __name__ == "__main__":
    main()
