package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// claims is where the Flux objects stand that make every kustomization a build root. One of them names the folder itself, which tells
// that their source is this repository.
const claims = "every-kustomization/claims.yaml"

// found are the folders of a tree that have a kustomization.
type found struct {
	// names of those that can be built, sorted.
	names      []string
	components map[string]bool
	// included: those that another one includes.
	included map[string]bool
}

func (f found) isRoot(folder string) bool {
	_, is := slices.BinarySearch(f.names, folder)
	return is
}

func kustomizations(tree string) (found, error) {
	result := found{components: map[string]bool{}, included: map[string]bool{}}
	err := walk(tree, func(path string, text []byte) error {
		folder, err := filepath.Rel(tree, filepath.Dir(path))
		if err != nil {
			return err
		}
		var fields struct {
			Kind                                                   string
			Resources, Bases, Components, Generators, Transformers []string
		}
		// What is no kustomization is refused by kustomize too.
		_ = yaml.Unmarshal(text, &fields)
		for _, entry := range slices.Concat(fields.Resources, fields.Bases, fields.Components, fields.Generators, fields.Transformers) {
			result.included[filepath.Join(folder, entry)] = true
		}
		if fields.Kind == "Component" {
			result.components[folder] = true
		} else {
			result.names = append(result.names, folder)
		}
		return nil
	})
	slices.Sort(result.names)
	// Two files in one folder are one kustomization, and a wrong one.
	result.names = slices.Compact(result.names)
	return result, err
}

// walk calls a function with every kustomization file.
func walk(tree string, each func(path string, text []byte) error) error {
	return filepath.WalkDir(tree, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		switch entry.Name() {
		case "kustomization.yaml", "kustomization.yml", "Kustomization":
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return each(path, text)
		}
		return nil
	})
}

// complete creates the files that generators name and the tree lacks, empty: what is in them decides no more than a hash.
func complete(tree string) error {
	type source struct {
		Files, Envs []string
		Env         string
	}
	return walk(tree, func(path string, text []byte) error {
		var fields struct {
			ConfigMaps []source `yaml:"configMapGenerator"`
			Secrets    []source `yaml:"secretGenerator"`
		}
		_ = yaml.Unmarshal(text, &fields)
		for _, source := range slices.Concat(fields.ConfigMaps, fields.Secrets) {
			for _, entry := range append(slices.Concat(source.Files, source.Envs), source.Env) {
				_, file, named := strings.Cut(entry, "=")
				if !named {
					file = entry
				}
				file = filepath.Join(filepath.Dir(path), file)
				if inside, err := filepath.Rel(tree, file); entry == "" || err != nil || !filepath.IsLocal(inside) {
					continue
				}
				if err := create(file); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func create(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, nil, 0o644)
}

func claim(tree string) error {
	found, err := kustomizations(tree)
	if err != nil {
		return err
	}
	var text strings.Builder
	for n, folder := range append(found.names, filepath.Dir(claims)) {
		fmt.Fprintf(&text, "---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: k%d, namespace: claims}\nspec:\n  path: %q\n  sourceRef: {kind: GitRepository, name: claims}\n", n, "./"+folder)
	}
	path := filepath.Join(tree, claims)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text.String()), 0o644)
}
