package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sort"
	"strings"

	"go.yaml.in/yaml/v2"
)

type object = map[string]any

// decode reads the documents of a file up to the first that cannot be read. As kubectl does, it reads what starts like JSON and is
// JSON as such: its reader of YAML does not know all escapes of JSON.
func decode(text []byte) (documents []any, err error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		var document any
		if err := json.Unmarshal(text, &document); err == nil {
			return []any{document}, nil
		}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var document any
		switch err := decoder.Decode(&document); {
		case errors.Is(err, io.EOF):
			return documents, nil
		case err != nil:
			// Only that it cannot be read counts: the line in the message moves with an insertion.
			return documents, errors.New("unreadable")
		}
		documents = append(documents, plain(document))
	}
}

// plain gives mappings text keys, as JSON needs them.
func plain(value any) any {
	switch value := value.(type) {
	case map[any]any:
		result := object{}
		for key, inner := range value {
			result[fmt.Sprint(key)] = plain(inner)
		}
		return result
	case []any:
		for i := range value {
			value[i] = plain(value[i])
		}
	}
	return value
}

// addition is a pull secret that only the later object has.
type addition struct {
	path string // of the list or field, with list indexes
	name string
}

// key is the field that was added to.
func (a addition) key() string {
	return a.path[strings.LastIndex(a.path, ".")+1:]
}

// isOfChart tells whether a path leads into the values that a release gives its chart: mappings may be missing on the way to a pull secret.
func isOfChart(path string) bool {
	for _, values := range []string{".values", ".valuesObject", ".valuesInline"} {
		if strings.HasSuffix(path, values) || strings.Contains(path, values+".") {
			return true
		}
	}
	return false
}

// compare lists the pull secrets that after has and before has not, and fails at any other difference.
func compare(before, after any, allowed map[string]bool) ([]addition, error) {
	var added []addition
	err := compareAt("", before, after, allowed, &added)
	sort.Slice(added, func(i, j int) bool { return fmt.Sprint(added[i]) < fmt.Sprint(added[j]) })
	return added, err
}

func compareAt(path string, before, after any, allowed map[string]bool, added *[]addition) error {
	if fresh, ok := grown(path, before, after, allowed); ok {
		for _, name := range fresh {
			*added = append(*added, addition{path, name})
		}
		return nil
	}
	switch before := before.(type) {
	case object:
		after, ok := after.(object)
		if !ok {
			break
		}
		for _, key := range sortedKeys(after) {
			inner := path + "." + key
			old, had := before[key]
			if !had && !isPullSecretKey(key) && (isPodSettings(inner) || isOfChart(path)) {
				// Made for the pull secrets in it: all else in it counts as added.
				old, had = object{}, true
			}
			if !had && !isPullSecretKey(key) {
				return fmt.Errorf("`%s` was added", inner)
			}
			if err := compareAt(inner, old, after[key], allowed, added); err != nil {
				return err
			}
		}
		for key := range before {
			if _, has := after[key]; !has {
				return fmt.Errorf("`%s.%s` was removed", path, key)
			}
		}
		return nil
	case []any:
		after, ok := after.([]any)
		if !ok || len(before) != len(after) {
			break
		}
		for i := range before {
			if err := compareAt(fmt.Sprintf("%s[%d]", path, i), before[i], after[i], allowed, added); err != nil {
				return err
			}
		}
		return nil
	default:
		if reflect.DeepEqual(before, after) {
			return nil
		}
	}
	return fmt.Errorf("`%s` was %.60q and is %.60q", path, fmt.Sprint(before), fmt.Sprint(after))
}

// isPullSecretKey says whether a field is one for pull secrets. Custom kinds name it in many ways; `secrets` is that of OLM's
// CatalogSource.
func isPullSecretKey(key string) bool {
	lower := strings.ToLower(key)
	return key == "secrets" || strings.Contains(lower, "pull") && strings.Contains(lower, "secret")
}

// isPodSettings says whether a mapping may be made around pull secrets: settings of pods, or a template that a controller lays over its own.
func isPodSettings(path string) bool {
	for _, key := range []string{"podTemplate", "podTemplateSpec", "taskRunTemplate", "pod", "template"} {
		if strings.HasSuffix(path, "."+key) || strings.HasPrefix(key, "podTemplate") && strings.HasSuffix(path, "."+key+".spec") {
			return true
		}
	}
	return false
}

// grown says whether a pull-secret field got new names at its end and nothing else, and which ones.
// Its shape is a list of `{name}`, a list of strings, one `{name}` or one string.
func grown(path string, before, after any, allowed map[string]bool) (fresh []string, ok bool) {
	if !isPullSecretKey(path[strings.LastIndex(path, ".")+1:]) || reflect.DeepEqual(before, after) {
		return nil, false
	}
	olds, list := before.([]any)
	news, nowList := after.([]any)
	if before != nil && !list || list != nowList && before != nil {
		return nil, false
	}
	if !nowList {
		news = []any{after}
	}
	if len(news) <= len(olds) || len(olds) > 0 && !reflect.DeepEqual(olds, news[:len(olds)]) {
		return nil, false
	}
	listed := names(before)
	for _, entry := range news[len(olds):] {
		name := entry
		if one, isObject := entry.(object); isObject && len(one) == 1 {
			name = one["name"]
		}
		text, isText := name.(string)
		if !isText || !allowed[text] || listed[text] {
			return nil, false
		}
		listed[text] = true
		fresh = append(fresh, text)
	}
	return fresh, true
}

// allowedNames are the names that may be added: the secret, and those that a ServiceAccount of the tree gives its pods, which a
// list in the pod would switch off.
func allowedNames(pairs []pair, secret string) map[string]bool {
	allowed := map[string]bool{secret: true}
	for _, file := range pairs {
		documents, _ := decode(file.before)
		for _, document := range documents {
			for _, account := range items(document) {
				if account["kind"] == "ServiceAccount" {
					for name := range names(account["imagePullSecrets"]) {
						allowed[name] = true
					}
				}
			}
		}
	}
	return allowed
}

// names are those of a list of `{name}`.
func names(list any) map[string]bool {
	found := map[string]bool{}
	entries, _ := list.([]any)
	for _, entry := range entries {
		if one, ok := entry.(object); ok {
			if name, ok := one["name"].(string); ok {
				found[name] = true
			}
		}
	}
	return found
}

// items are the objects of a document: itself, or those of a list kind.
func items(document any) []object {
	one, ok := document.(object)
	if !ok {
		return nil
	}
	kind, _ := one["kind"].(string)
	list, isList := one["items"].([]any)
	if !isList || !strings.HasSuffix(kind, "List") {
		return []object{one}
	}
	var all []object
	for _, item := range list {
		all = append(all, items(item)...)
	}
	return all
}

// podSpecPaths of the built-in kinds, by group and kind.
var podSpecPaths = map[string][]string{
	"/Pod":                   {"spec"},
	"/PodTemplate":           {"template", "spec"},
	"/ReplicationController": {"spec", "template", "spec"},
	"apps/Deployment":        {"spec", "template", "spec"},
	"apps/StatefulSet":       {"spec", "template", "spec"},
	"apps/DaemonSet":         {"spec", "template", "spec"},
	"apps/ReplicaSet":        {"spec", "template", "spec"},
	"extensions/Deployment":  {"spec", "template", "spec"},
	"extensions/DaemonSet":   {"spec", "template", "spec"},
	"extensions/ReplicaSet":  {"spec", "template", "spec"},
	"batch/Job":              {"spec", "template", "spec"},
	"batch/CronJob":          {"spec", "jobTemplate", "spec", "template", "spec"},
}

// podSpecs are those of the built-in kinds in a document that have a container with an image.
func podSpecs(document any) (found []object) {
	for _, one := range items(document) {
		version, _ := one["apiVersion"].(string)
		kind, _ := one["kind"].(string)
		group, _, grouped := strings.Cut(version, "/")
		if !grouped {
			group = ""
		}
		path, ok := podSpecPaths[group+"/"+kind]
		if !ok {
			continue
		}
		var at any = one
		for _, key := range path {
			inner, _ := at.(object)
			at = inner[key]
		}
		if spec, ok := at.(object); ok && hasImage(spec) {
			found = append(found, spec)
		}
	}
	return found
}

func hasImage(spec object) bool {
	for _, key := range []string{"containers", "initContainers", "ephemeralContainers"} {
		containers, _ := spec[key].([]any)
		for _, container := range containers {
			one, _ := container.(object)
			if image, _ := one["image"].(string); image != "" {
				return true
			}
		}
	}
	return false
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
