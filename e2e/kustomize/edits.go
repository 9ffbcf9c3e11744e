package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// What kustomizations do to objects: targets, patches, replacements, image rules, generators, transformers.

func (g *generator) target(objects []object) object {
	target := object{}
	kind, name := g.text("Deployment", "Depl.*", "Deployment|CronJob"), g.text("web", ".*", "web.*", "w.b", "web|db")
	if len(objects) > 0 && g.chance(.8) {
		chosen := objects[g.IntN(len(objects))]
		kind = kindOf(chosen)
		if g.chance(.5) {
			name = nameOf(chosen)
		}
	}
	if g.chance(.7) {
		target["kind"] = kind
	}
	if g.chance(.5) {
		target["name"] = name
	}
	if g.chance(.15) {
		target["namespace"] = g.text("a", "b", "default", ".*", "zz")
	}
	if g.chance(.15) {
		target["group"] = g.text("apps", "", "batch")
	}
	if g.chance(.15) {
		target["labelSelector"] = g.text("app=x", "app in (x,y)", "!tier", "tier!=1", "app=x,tier=2")
	}
	if g.chance(.08) {
		target["annotationSelector"] = g.text("note=p", "note")
	}
	return target
}

// workloadTarget selects no object without a pod spec: a build that fails because of those is a documented limit.
func (g *generator) workloadTarget(objects []object) object {
	only := slices.DeleteFunc(slices.Clone(objects), func(o object) bool { return workloads[kindOf(o)] == "" })
	target := g.target(only)
	if target["kind"] == nil {
		target["kind"] = g.text("Deployment", "Depl.*", "Deployment|CronJob")
	}
	return target
}

func (g *generator) patchedContainers(kind string) []any {
	var list []any
	for _, name := range pick(g, containers, 1+g.IntN(2)) {
		container := object{"name": name}
		switch x := g.Float64(); {
		case x < .5:
			container["image"] = g.text(images...)
		case x < .6:
			container["$patch"] = "delete"
		case x < .65 && kind != "Rollout": // a null that stays reads as the text "null" to image rules
			container["image"] = nil
		case x < .7:
			container["$patch"], container["image"] = "replace", g.text(images...)
		case x < .73:
			container["$patch"], container["image"] = "merge", g.text(images...)
		default:
			container["args"] = []any{"--y"}
		}
		list = append(list, container)
	}
	if g.chance(.08) {
		list = append(list, object{"$patch": g.text("replace", "delete", "merge")})
	}
	if g.chance(.03) {
		list = append(list, object{"image": "nameless"})
	}
	return list
}

// mergePatch is a strategic merge patch, mostly for one of the objects.
func (g *generator) mergePatch(objects []object) object {
	chosen := g.object()
	if len(objects) > 0 && g.chance(.93) {
		chosen = objects[g.IntN(len(objects))]
	}
	metadata := object{"name": nameOf(chosen)}
	if namespace := chosen["metadata"].(object)["namespace"]; namespace != nil && g.chance(.9) {
		metadata["namespace"] = namespace
	}
	patch := object{}
	if g.chance(.06) {
		patch["$patch"] = "delete"
	}
	if g.chance(.2) {
		metadata["labels"] = object{"app": g.text("x", "z"), "new": "1"}
	}
	switch kind := kindOf(chosen); {
	case workloads[kind] != "":
		spec := object{}
		if g.chance(.7) {
			spec["containers"] = g.patchedContainers(kind)
		}
		if g.chance(.2) {
			spec["initContainers"] = g.patchedContainers(kind)
		}
		if g.chance(.25) {
			spec["imagePullSecrets"] = []any{
				references("new"), nil, []any{}, references("pull", "z"),
				[]any{object{"name": "regcred", "$patch": "delete"}},
				[]any{object{"$patch": "replace"}, object{"name": "only"}},
			}[g.IntN(6)]
		}
		if g.chance(.1) {
			spec["volumes"] = []any{object{"name": g.text("v", "w"), "image": object{"reference": g.text(images...)}}}
		}
		if g.chance(.05) {
			spec["$patch"] = g.text("replace", "merge", "delete")
		}
		maps.Copy(patch, nest(podPath(kind), spec))
	case kind == "ConfigMap":
		patch["data"] = object{"image": g.text(images...)}
	}
	patch["apiVersion"], patch["kind"], patch["metadata"] = chosen["apiVersion"], chosen["kind"], metadata
	return patch
}

func (g *generator) operations(objects []object) []any {
	kind := "Deployment"
	if len(objects) > 0 {
		kind = kindOf(objects[g.IntN(len(objects))])
	}
	pod := "/" + strings.Join(podPath(kind), "/")
	var list []any
	for range 1 + g.IntN(3) {
		var o object
		switch x := g.Float64(); {
		case x < .3:
			o = object{"op": g.text("replace", "add"), "path": pod + "/" + g.text("containers", "containers", "initContainers") + "/" + g.text("0", "0", "1", "-1") + "/image", "value": g.text(images...)}
		case x < .4:
			o = object{"op": "add", "path": pod + "/containers/" + g.text("-", "0", "1"), "value": g.containers(1)[0]}
		case x < .47:
			o = object{"op": "remove", "path": pod + "/containers/" + g.text("0", "1")}
		case x < .55:
			o = object{"op": g.text("add", "replace"), "path": pod + "/imagePullSecrets", "value": references("j")}
		case x < .6:
			o = object{"op": "add", "path": pod + "/imagePullSecrets/-", "value": object{"name": "k"}}
		case x < .65:
			o = object{"op": "remove", "path": pod + "/imagePullSecrets"}
		case x < .7:
			o = object{"op": "replace", "path": "/metadata/name", "value": g.text("renamed", "web")}
		case x < .75:
			o = object{"op": g.text("replace", "add"), "path": "/metadata/namespace", "value": g.text("jns", "a")}
		case x < .78:
			o = object{"op": "remove", "path": "/metadata/namespace"}
		case x < .82:
			o = object{"op": "test", "path": pod + "/containers/0/name", "value": g.text(containers...)}
		case x < .86:
			o = object{"op": "copy", "from": pod + "/containers/0", "path": pod + "/containers/-"}
		case x < .89:
			o = object{"op": "move", "from": pod + "/containers/0/image", "path": "/metadata/annotations/img"}
		case x < .93:
			o = object{"op": "add", "path": "/metadata/annotations/k", "value": "v"}
		case x < .96:
			o = object{"op": "add", "path": "/metadata/labels/app", "value": g.text("x", "y")}
		default:
			o = object{"op": "replace", "path": "/spec/replicas", "value": 3}
		}
		list = append(list, o)
	}
	return list
}

func (g *generator) replacement(objects []object) object {
	source := object{"kind": "ConfigMap", "name": "none"}
	if len(objects) > 0 {
		chosen := objects[g.IntN(len(objects))]
		source["kind"], source["name"] = kindOf(chosen), nameOf(chosen)
	}
	switch source["kind"] {
	case "ConfigMap":
		source["fieldPath"] = g.text("data.image", "data.tag", "data.ns", "metadata.name")
	case "Deployment":
		source["fieldPath"] = g.text("spec.template.spec.containers.0.image", "spec.template.spec.containers.[name=app].image", "metadata.name")
	}
	if g.chance(.2) {
		source["options"] = object{"delimiter": g.text(":", "/"), "index": g.IntN(2)}
	}
	selected := g.target(objects)
	if len(selected) == 0 {
		selected["kind"] = "Deployment"
	}
	target := object{"select": selected, "fieldPaths": []any{g.text(
		"spec.template.spec.containers.[name=app].image", "spec.template.spec.containers.*.image", "spec.template.spec.containers.0.image",
		"metadata.namespace", "metadata.name", "spec.template.spec.imagePullSecrets.0.name", "metadata.labels.app",
		"spec.template.spec.containers.[name=.*].image", "metadata.annotations.note")}}
	if g.chance(.2) {
		target["reject"] = []any{g.target(objects)}
	}
	if g.chance(.25) {
		target["options"] = object{"delimiter": g.text(":", "/"), "index": []int{0, 1, -1, 5}[g.IntN(4)], "create": g.chance(.5)}
	}
	if g.chance(.1) {
		return object{"sourceValue": g.text(images...), "targets": []any{target}}
	}
	return object{"source": source, "targets": []any{target}}
}

func (g *generator) imageRules() []any {
	var list []any
	for range 1 + g.IntN(2) {
		rule := object{"name": g.text("nginx", "redis", "reg.io/team/api", "reg.io:5000/x/y", "quay.io/a/b", ".*", "nginx|redis", "ngin.")}
		if g.chance(.4) {
			rule["newName"] = g.text("my.reg/n", "nginx", "other:5000/z")
		}
		if g.chance(.4) {
			rule["newTag"] = g.text("7", "latest")
		}
		if g.chance(.15) {
			rule["digest"] = "sha256:beef"
		}
		if g.chance(.1) {
			rule["tagSuffix"] = "-x"
		}
		list = append(list, rule)
	}
	return list
}

func (g *generator) patches(folder string, objects []object) []any {
	var list []any
	for n := range 1 + g.IntN(3) {
		entry := object{}
		var text string
		if g.chance(.55) {
			text = marshal(g.mergePatch(objects))
			if g.chance(.15) {
				text += "---\n" + marshal(g.mergePatch(objects))
			}
			if g.chance(.3) {
				entry["target"] = g.target(objects)
			}
			if g.chance(.1) {
				entry["options"] = object{"allowNameChange": g.chance(.7)}
			}
		} else {
			text = marshal(g.operations(objects))
			if g.chance(.3) {
				written, _ := json.Marshal(g.operations(objects))
				text = string(written)
			}
			entry["target"] = g.workloadTarget(objects)
		}
		if g.chance(.5) {
			entry["patch"] = text
		} else {
			entry["path"] = fmt.Sprintf("patch%d.yaml", n)
			g.files[folder+"/"+entry["path"].(string)] = text
		}
		list = append(list, entry)
	}
	return list
}

func (g *generator) secretGenerator(folder string) object {
	made := object{"name": g.next("gen"), "literals": []any{"a=b", "c=d&<"}, "type": g.text("Opaque", "kubernetes.io/dockerconfigjson")}
	if g.chance(.3) {
		made["options"] = object{"disableNameSuffixHash": true}
	}
	if g.chance(.3) {
		g.files[folder+"/content.txt"] = strings.Repeat("content\n", 1+19*g.IntN(2))
		made["files"] = []any{g.text("content.txt", ".dockerconfigjson=content.txt")}
	}
	if g.chance(.2) {
		g.files[folder+"/content.env"] = "# note\nX=1\nY\n"
		made["envs"] = []any{"content.env"}
	}
	return made
}

func (g *generator) transformer(objects []object) object {
	made := object{"apiVersion": "builtin", "metadata": object{"name": "t"}}
	name := []any{object{"path": "metadata/name"}}
	switch g.IntN(7) {
	case 0:
		made["kind"], made["metadata"], made["unsetOnly"] = "NamespaceTransformer", object{"name": "t", "namespace": "tns"}, g.chance(.5)
	case 1:
		made["kind"], made["prefix"], made["fieldSpecs"] = "PrefixTransformer", "tp-", name
	case 2:
		made["kind"], made["suffix"], made["fieldSpecs"] = "SuffixTransformer", "-ts", name
	case 3:
		made["kind"], made["imageTag"] = "ImageTagTransformer", object{"name": "nginx", "newTag": "tt"}
	case 4:
		made["kind"], made["labels"] = "LabelTransformer", object{"app": "t"}
		made["fieldSpecs"] = []any{object{"path": "metadata/labels", "create": true}}
	case 5:
		made["kind"], made["patch"], made["target"] = "PatchTransformer", marshal(g.operations(objects)), g.workloadTarget(objects)
	default:
		made["kind"], made["replacements"] = "ReplacementTransformer", []any{g.replacement(objects)}
	}
	return made
}
