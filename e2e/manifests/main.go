// Program manifests judges what pullcred did to a tree: it reads every file before and after with the YAML 1.1 reader that kubectl
// uses, and demands that nothing but pull secrets was added, in bytes and in meaning. With -server it also demands of a real API
// server that it accepts every object as it did before, and reads back the same object but for those pull secrets.
//
//	manifests -secret NAME [-at-least N] [-server] BEFORE AFTER
//
// -at-least is the number of built-in pod specs that have to list the secret, so that doing nothing is no success.
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
	atLeast := flag.Int("at-least", 1, "how many built-in pod specs have to list the secret afterwards")
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
	problems := judgeFiles(pairs, *secret, *atLeast)
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

// tally counts pod specs of built-in kinds that have an image, and the files they are in.
type tally struct{ podSpecs, files int }

func (t *tally) add(podSpecs int) {
	t.podSpecs += podSpecs
	t.files += min(podSpecs, 1)
}

// judgeFiles compares bytes and meaning and prints what it counted.
func judgeFiles(pairs []pair, secret string, atLeast int) (problems []string) {
	allowed := allowedNames(pairs, secret)
	var changed int
	var all, carrying, fresh tally
	additions := map[string]int{}
	for _, file := range pairs {
		before, errBefore := decode(file.before)
		after, errAfter := decode(file.after)
		had, has := countListing(before, secret), countListing(after, secret)
		all.add(countListing(after, ""))
		carrying.add(has)
		fresh.add(has - had)
		if bytes.Equal(file.before, file.after) {
			continue
		}
		changed++
		if !onlyInsertions(file.before, file.after) {
			problems = append(problems, file.path+": bytes of the original are gone")
		}
		// A document that only kubectl refuses may follow: then the same must be readable before it as ever.
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
	fmt.Printf("built-in pod specs with an image: %d, of which %d list `%s`, %d of them newly, in %d files\n",
		all.podSpecs, carrying.podSpecs, secret, fresh.podSpecs, fresh.files)
	for _, key := range sortedKeys(additions) {
		fmt.Printf("added under `%s`: %d\n", key, additions[key])
	}
	if carrying.podSpecs < atLeast {
		problems = append(problems, fmt.Sprintf("%d built-in pod specs list `%s`; at least %d should", carrying.podSpecs, secret, atLeast))
	}
	return problems
}

// countListing counts the built-in pod specs with an image that list a secret; all of them when it is "".
func countListing(documents []any, secret string) (count int) {
	for _, document := range documents {
		for _, spec := range podSpecs(document) {
			if secret == "" || names(spec["imagePullSecrets"])[secret] {
				count++
			}
		}
	}
	return count
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
