// Program manifests judges what pullcred did to a tree: it reads every file before and after with the YAML 1.1 reader that kubectl
// uses, and demands that nothing but pull secrets was added, in bytes and in meaning. With -server it also demands of a real API
// server that it accepts every object as it did before, and reads back the same object but for those pull secrets.
//
//	manifests -secret NAME [-server] BEFORE AFTER
//
// -server takes the address and the token from API_SERVER, API_TOKEN and API_CA, as e2e/api-server sets them.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

// pair is one file of the tree, before and after.
type pair struct {
	path          string
	before, after []byte
}

func main() {
	secret := flag.String("secret", "", "the pull secret that was to be injected for every image")
	useServer := flag.Bool("server", false, "ask the API server of API_SERVER too")
	flag.Parse()
	if flag.NArg() != 2 || *secret == "" {
		flag.Usage()
		os.Exit(2)
	}
	pairs, err := readTrees(flag.Arg(0), flag.Arg(1))
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(2)
	}
	problems := judgeFiles(pairs, *secret)
	if *useServer {
		server, err := newServer()
		if err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(2)
		}
		problems = append(problems, judgeOnServer(server, pairs, *secret)...)
	}
	for i, problem := range problems {
		if i == 40 {
			fmt.Fprintf(os.Stderr, "… and %d more\n", len(problems)-i)
			break
		}
		fmt.Fprintln(os.Stderr, "error:", problem)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
}

// readTrees reads the manifests of both trees. A file may be missing from neither.
func readTrees(before, after string) ([]pair, error) {
	paths, err := manifestsBelow(before)
	if err != nil {
		return nil, err
	}
	others, err := manifestsBelow(after)
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 || strings.Join(paths, "\n") != strings.Join(others, "\n") {
		return nil, fmt.Errorf("%s (%d manifests) and %s (%d) do not hold the same files", before, len(paths), after, len(others))
	}
	pairs := make([]pair, len(paths))
	for i, path := range paths {
		old, errOld := os.ReadFile(filepath.Join(before, path))
		now, errNow := os.ReadFile(filepath.Join(after, path))
		if err := errors.Join(errOld, errNow); err != nil {
			return nil, err
		}
		pairs[i] = pair{path, old, now}
	}
	return pairs, nil
}

func manifestsBelow(root string) (paths []string, err error) {
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch filepath.Ext(path) {
		case ".yaml", ".yml", ".json":
			if entry.Type().IsRegular() {
				relative, _ := filepath.Rel(root, path)
				paths = append(paths, relative)
			}
		}
		return nil
	})
	sort.Strings(paths)
	return paths, err
}

// judgeFiles compares bytes and meaning and prints what it counted.
func judgeFiles(pairs []pair, secret string) (problems []string) {
	allowed := allowedNames(pairs, secret)
	changed, additions := 0, map[string]int{}
	builtIn, carrying := 0, 0
	for _, file := range pairs {
		before, errBefore := decode(file.before)
		after, errAfter := decode(file.after)
		for _, document := range after {
			for _, spec := range podSpecs(document) {
				builtIn++
				if names(spec["imagePullSecrets"])[secret] {
					carrying++
				}
			}
		}
		if bytes.Equal(file.before, file.after) {
			continue
		}
		changed++
		if !onlyInsertions(file.before, file.after) {
			problems = append(problems, file.path+": bytes of the original are gone")
		}
		if fmt.Sprint(errBefore) != fmt.Sprint(errAfter) || len(before) != len(after) {
			problems = append(problems, fmt.Sprintf("%s: read as %d documents (%v) before, %d (%v) after",
				file.path, len(before), errBefore, len(after), errAfter))
			continue
		}
		for i := range before {
			added, err := compare(before[i], after[i], allowed)
			if err != nil {
				problems = append(problems, fmt.Sprintf("%s: document %d: %v", file.path, i, err))
			}
			for _, addition := range added {
				additions[addition.key()]++
			}
		}
	}
	fmt.Printf("files: %d read, %d changed\n", len(pairs), changed)
	fmt.Printf("built-in pod specs with an image: %d, of which %d list `%s`\n", builtIn, carrying, secret)
	for _, key := range sortedKeys(additions) {
		fmt.Printf("added under `%s`: %d\n", key, additions[key])
	}
	if changed == 0 {
		problems = append(problems, "no file was changed, so nothing was judged")
	}
	return problems
}

// emptyValue is the one thing that may be replaced: a null where a list of pull secrets belongs.
var emptyValue = regexp.MustCompile(`(?m)(imagePullSecrets["']?[ \t]*:[ \t]*)(?:null|Null|NULL|~)`)

// onlyInsertions says whether after is before with bytes added.
func onlyInsertions(before, after []byte) bool {
	return isSubsequence(before, after) || isSubsequence(emptyValue.ReplaceAll(before, []byte("$1")), after)
}

func isSubsequence(short, long []byte) bool {
	for _, b := range long {
		if len(short) > 0 && short[0] == b {
			short = short[1:]
		}
	}
	return len(short) == 0
}
