#!/usr/bin/env python3
"""Find where the kinds of published custom resource definitions keep pull secrets, as lines of data/catalog.tsv.

usage: tools/crds.py FILE.yaml…      the lines, sorted, on stdout; what has to be decided by hand on stderr

Only names, types and places are taken from a schema. A site that not all served versions have gets a `versions` note. What a schema
leaves open (`x-kubernetes-preserve-unknown-fields`) is told on stderr where its name speaks of pods, and left to whoever reads it.
"""

import re
import sys

import yaml

FIELD = re.compile(r"(?i)^(image)?_?pull_?secrets?(name|ref|refs)?$|^image_?pull_?credentials?$|^registry_?secrets?$")
OPEN = re.compile(r"(?i)pod_?(spec|template)|^template$")
PLAIN = re.compile(r"^[A-Za-z0-9_-]+$")


def step(name):
    return name if PLAIN.match(name) else f'["{name}"]'


def join(path, name):
    part = step(name)
    return f"{path}{part}" if part.startswith("[") or not path else f"{path}.{part}"


def shape(schema):
    """The site of a field, by the type of its schema; none for what is no reference."""
    kind = schema.get("type")
    if kind == "string":
        return "string"
    if kind == "object" and "name" in schema.get("properties", {}):
        return "object-name"
    if kind == "array":
        items = schema.get("items", {})
        if items.get("type") == "string":
            return "list-string"
        if "name" in items.get("properties", {}):
            return "list-name"
    return None


def is_containers(schema):
    items = schema.get("items", {}).get("properties", {})
    return schema.get("type") == "array" and "image" in items and "name" in items


def sites(schema, path=""):
    """(path, site) of a schema."""
    if schema.get("x-kubernetes-embedded-resource"):
        yield path, "embedded-object"
        return
    properties = schema.get("properties", {})
    if is_containers(properties.get("containers", {})):
        if "imagePullSecrets" in properties:
            yield path, "pod-spec"
            return
        yield path, "containers-only"
    for name, inner in properties.items():
        at = join(path, name)
        found = shape(inner) if FIELD.match(name) else None
        if found:
            yield at, found
            continue
        if FIELD.match(name):
            print(f"by hand: {at}: {inner.get('type')}", file=sys.stderr)
        if inner.get("x-kubernetes-preserve-unknown-fields") and OPEN.search(name):
            print(f"open: {at}", file=sys.stderr)
        yield from sites(inner, at)
        items = inner.get("items")
        if isinstance(items, dict):
            yield from sites(items, at + "[]")
        values = inner.get("additionalProperties")
        if isinstance(values, dict):
            yield from sites(values, at + "{}")


def main(files):
    lines = set()
    for file in files:
        with open(file, encoding="utf-8") as text:
            documents = [one for one in yaml.load_all(text, yaml.CSafeLoader) if isinstance(one, dict)]
        for crd in documents:
            if crd.get("kind") != "CustomResourceDefinition":
                continue
            spec = crd["spec"]
            group, kind = spec["group"], spec["names"]["kind"]
            versions, by_site = [], {}
            for version in spec["versions"]:
                if not version.get("served", True):
                    continue
                versions.append(version["name"])
                schema = version.get("schema", {}).get("openAPIV3Schema", {})
                for found in sites(schema):
                    by_site.setdefault(found, []).append(version["name"])
            if not by_site:
                print(f"nothing: {group} {kind}", file=sys.stderr)
            for (path, site), having in by_site.items():
                notes = ["scope=cluster"] if spec.get("scope") == "Cluster" else []
                if having != versions:
                    notes.append("versions=" + ",".join(having))
                lines.add("\t".join([group, kind, path, site, " ".join(notes)]))
    for line in sorted(lines):
        print(line.rstrip("\t"))


if __name__ == "__main__":
    main(sys.argv[1:])
