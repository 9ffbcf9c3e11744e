package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

type object = map[string]any

// generate writes random repositories: bases, Components and overlays with every feature that pullcred follows. Equal arguments give
// equal repositories. Names of objects that are no workloads are unique: a build that fails because of those is a documented limit.
func generate(tree string, count int, seed uint64) error {
	for n := range count {
		g := generator{Rand: rand.New(rand.NewPCG(seed, uint64(n))), files: map[string]string{}}
		g.repository()
		for path, text := range g.files {
			path = filepath.Join(tree, fmt.Sprintf("r%05d", n), path)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

type generator struct {
	*rand.Rand
	files  map[string]string
	unique int
}

var (
	names      = []string{"web", "db", "api", "web-2", "cache"}
	containers = []string{"app", "side", "init", "log"}
	images     = []string{"nginx", "nginx:1.2", "redis", "reg.io/team/api:v1", "reg.io:5000/x/y@sha256:abcd", "redis:6", "quay.io/a/b:1@sha256:00ff"}
	namespaces = []string{"", "", "a", "b", "default"}
)

func (g *generator) chance(p float64) bool { return g.Float64() < p }

func (g *generator) text(of ...string) string { return of[g.IntN(len(of))] }

func pick[T any](g *generator, of []T, count int) []T {
	var picked []T
	for _, n := range g.Perm(len(of))[:min(count, len(of))] {
		picked = append(picked, of[n])
	}
	return picked
}

func (g *generator) next(prefix string) string {
	g.unique++
	return fmt.Sprintf("%s%d", prefix, g.unique)
}

func marshal(value any) string {
	text, err := yaml.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (g *generator) metadata(name string) object {
	m := object{"name": name}
	if namespace := g.text(namespaces...); namespace != "" {
		m["namespace"] = namespace
	}
	if g.chance(.5) {
		labels := object{"app": g.text("x", "y")}
		if g.chance(.5) {
			labels["tier"] = g.text("1", "2")
		}
		m["labels"] = labels
	}
	if g.chance(.2) {
		m["annotations"] = object{"note": g.text("p", "q")}
	}
	if g.chance(.02) {
		m["annotations"] = object{"config.kubernetes.io/local-config": g.text("true", "false")}
	}
	return m
}

func (g *generator) containers(count int) []any {
	var list []any
	for n, name := range pick(g, containers, count) {
		container := object{"name": name}
		if n == 0 || !g.chance(.08) {
			container["image"] = g.text(images...)
		}
		if g.chance(.2) {
			container["args"] = []any{"--x"}
		}
		list = append(list, container)
	}
	return list
}

func references(names ...string) []any {
	list := []any{}
	for _, name := range names {
		list = append(list, object{"name": name})
	}
	return list
}

func (g *generator) podSpec() object {
	spec := object{"containers": g.containers(1 + g.IntN(3))}
	if g.chance(.25) {
		spec["initContainers"] = g.containers(1)
	}
	if g.chance(.3) {
		spec["imagePullSecrets"] = references(pick(g, []string{"regcred", "pull", "web"}, 1+g.IntN(2))...)
	}
	if g.chance(.1) {
		spec["volumes"] = []any{object{"name": "v", "image": object{"reference": g.text(images...)}}}
	}
	return spec
}

// podPath leads to the pod spec of a kind.
func podPath(kind string) []string {
	switch kind {
	case "Pod":
		return []string{"spec"}
	case "PodTemplate":
		return []string{"template", "spec"}
	case "CronJob":
		return []string{"spec", "jobTemplate", "spec", "template", "spec"}
	}
	return []string{"spec", "template", "spec"}
}

func nest(path []string, value any) object {
	for n := len(path) - 1; n > 0; n-- {
		value = object{path[n]: value}
	}
	return object{path[0]: value}
}

func (g *generator) workload() object {
	kind := g.text("Deployment", "Deployment", "Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "Pod", "Rollout", "PodTemplate")
	version := workloads[kind]
	if kind == "CronJob" && g.chance(.2) {
		version = "batch/v1beta1"
	}
	made := nest(podPath(kind), g.podSpec())
	made["apiVersion"], made["kind"], made["metadata"] = version, kind, g.metadata(g.text(names...))
	if spec, ok := made["spec"].(object); ok && kind != "Pod" {
		if strings.HasPrefix(version, "apps/") || kind == "Rollout" {
			spec["selector"] = object{"matchLabels": object{"a": "b"}}
		}
		spec["replicas"] = 1
	}
	return made
}

func (g *generator) object() object {
	if g.chance(.65) {
		return g.workload()
	}
	kind := g.text("ServiceAccount", "Secret", "ConfigMap", "Service", "Namespace", "ClusterRole")
	made := object{"apiVersion": "v1", "kind": kind, "metadata": g.metadata(g.next(g.text("regcred", "pull", "web")))}
	switch kind {
	case "ServiceAccount":
		made["imagePullSecrets"] = references("regcred")
	case "Secret":
		made["type"], made["data"] = "Opaque", object{"a": "eA=="}
	case "ConfigMap":
		made["data"] = object{"image": g.text(images...), "tag": "v9", "ns": "zz"}
	case "Service":
		made["spec"] = object{"ports": []any{object{"port": 80}}}
	case "Namespace":
		delete(made["metadata"].(object), "namespace")
	case "ClusterRole":
		made["apiVersion"] = "rbac.authorization.k8s.io/v1"
	}
	return made
}

func nameOf(o object) string { return o["metadata"].(object)["name"].(string) }

func kindOf(o object) string { return o["kind"].(string) }

// fields adds what a kustomization does to the objects that it sees.
func (g *generator) fields(folder string, fields object, objects []object) {
	scalars := []struct {
		name   string
		chance float64
		values []string
	}{{"namespace", .35, []string{"prod", "dev", "a"}}, {"namePrefix", .2, []string{"p-", "q-"}}, {"nameSuffix", .12, []string{"-s", "-t"}}}
	for _, field := range scalars {
		if g.chance(field.chance) {
			fields[field.name] = g.text(field.values...)
		}
	}
	if g.chance(.35) {
		fields["images"] = g.imageRules()
	}
	if g.chance(.1) {
		fields["commonLabels"] = object{"app": "common"}
	}
	if g.chance(.1) {
		fields["labels"] = []any{object{"pairs": object{"tier": "9"}}}
	}
	if g.chance(.08) {
		fields["commonAnnotations"] = object{"note": "c"}
	}
	if g.chance(.15) {
		fields["secretGenerator"] = []any{g.secretGenerator(folder)}
	}
	if len(objects) == 0 {
		return
	}
	if g.chance(.4) {
		fields["patches"] = g.patches(folder, objects)
	}
	if g.chance(.1) {
		g.files[folder+"/merge.yaml"] = marshal(g.mergePatch(objects))
		fields["patchesStrategicMerge"] = []any{"merge.yaml", marshal(g.mergePatch(objects))}[:1+g.IntN(2)]
	}
	if g.chance(.1) {
		target := g.target(objects)
		target["kind"], target["name"] = "Deployment", g.text(names...)
		g.files[folder+"/operations.yaml"] = marshal(g.operations(objects))
		fields["patchesJson6902"] = []any{object{"target": target, "path": "operations.yaml"}}
	}
	if g.chance(.12) {
		g.files[folder+"/replacement.yaml"] = marshal(g.replacement(objects))
		fields["replacements"] = []any{g.replacement(objects), object{"path": "replacement.yaml"}}[:1+g.IntN(2)]
	}
	if g.chance(.06) {
		g.files[folder+"/fields.yaml"] = marshal(object{
			"varReference":  []any{object{"path": "spec/template/spec/containers/image", "kind": "Deployment"}},
			"nameReference": []any{object{"kind": "Secret", "version": "v1", "fieldSpecs": []any{object{"kind": "Rollout", "path": "spec/template/spec/imagePullSecrets/name"}}}},
		})
		fields["configurations"] = []any{"fields.yaml"}
		chosen := objects[g.IntN(len(objects))]
		reference := object{"kind": kindOf(chosen), "name": nameOf(chosen), "apiVersion": chosen["apiVersion"]}
		fields["vars"] = []any{object{"name": g.next("VAR"), "objref": reference, "fieldref": object{"fieldpath": "metadata.name"}}}
	}
	if g.chance(.08) {
		g.files[folder+"/transformer.yaml"] = marshal(g.transformer(objects))
		fields["transformers"] = []any{"transformer.yaml", marshal(g.transformer(objects))}[:1+g.IntN(2)]
	}
}

// resources writes objects into files of a folder, some as Lists.
func (g *generator) resources(folder string, count int) (objects []object, listed []any) {
	seen := map[string]bool{}
	for range count {
		made := g.object()
		id := fmt.Sprint(made["apiVersion"], kindOf(made), nameOf(made), made["metadata"].(object)["namespace"])
		if !seen[id] {
			seen[id] = true
			objects = append(objects, made)
		}
	}
	for rest, n := objects, 0; len(rest) > 0; n++ {
		part := rest[:min(len(rest), 1+g.IntN(2))]
		rest = rest[len(part):]
		name := fmt.Sprintf("objects%d.yaml", n)
		texts := make([]string, len(part))
		for n, object := range part {
			texts[n] = marshal(object)
		}
		g.files[folder+"/"+name] = strings.Join(texts, "---\n")
		if g.chance(.08) {
			g.files[folder+"/"+name] = marshal(object{"apiVersion": "v1", "kind": "List", "items": part})
		}
		listed = append(listed, name)
	}
	return objects, listed
}

func (g *generator) write(folder string, fields object) {
	g.files[folder+"/"+g.text("kustomization.yaml", "kustomization.yaml", "kustomization.yml", "Kustomization")] = marshal(fields)
}

func (g *generator) repository() {
	visible := map[string][]object{}
	var bases, parts []string
	var all []object
	for n := range 1 + g.IntN(2) {
		folder := fmt.Sprintf("base%d", n)
		objects, listed := g.resources(folder, 1+g.IntN(4))
		fields := object{"resources": listed}
		if g.chance(.6) {
			g.fields(folder, fields, objects)
		}
		g.write(folder, fields)
		visible[folder], bases, all = objects, append(bases, folder), append(all, objects...)
	}
	for n := range g.IntN(3) {
		folder := fmt.Sprintf("part%d", n)
		objects, listed := g.resources(folder, g.IntN(2))
		fields := object{"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component", "resources": listed}
		g.fields(folder, fields, append(slices.Clone(all), objects...))
		if n > 0 && g.chance(.3) {
			fields["components"] = []any{"../part0"}
		}
		if len(fields) == 3 && len(listed) == 0 {
			fields["namespace"] = "part"
		}
		g.write(folder, fields)
		parts = append(parts, folder)
	}
	for n := range 1 + g.IntN(3) {
		folder := fmt.Sprintf("overlay%d", n)
		objects, listed := g.resources(folder, g.IntN(3))
		var from []any
		for _, base := range pick(g, bases, []int{1, 1, 1, 2}[g.IntN(4)]) {
			from = append(from, "../"+base)
			objects = append(objects, visible[base]...)
		}
		fields := object{"resources": append(from, listed...)}
		if g.chance(.1) {
			fields["resources"], fields["bases"] = listed, from
		}
		if len(parts) > 0 && g.chance(.5) {
			var included []any
			for _, part := range pick(g, parts, 1+g.IntN(2)) {
				included = append(included, "../"+part)
			}
			fields["components"] = included
		}
		if g.chance(.85) {
			g.fields(folder, fields, objects)
		}
		g.write(folder, fields)
		visible[folder], bases = objects, append(bases, folder)
	}
}
