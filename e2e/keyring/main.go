// Command keyring lets the kubelet's own code decide which registry keys serve an image.
//
//	keyring generate COUNT SEED [TABLE…]   prints cases: those of the tables, then COUNT random ones
//	keyring decide                         reads cases, prints a decision for each
//
// A case is a line with a JSON array of strings: the text of an `image:` field, then the keys of a keyring in the order in which
// they are added. A decision is a line with three columns between tabs:
//
//   - the reference: `NAME TAG DIGEST` with `-` for what is missing, or `invalid`, in which case no kubelet pulls anything;
//   - each key in a keyring of its own: `+` serves the image, `-` does not, `x` is left out of the keyring;
//   - the keyring's answer: positions of the keys in the order in which their credentials are tried, or `-`.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/go-logr/logr/funcr"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/credentialprovider"
	"k8s.io/kubernetes/pkg/util/parsers"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(2)
	}
}

func run(args []string) error {
	out := bufio.NewWriter(os.Stdout)
	switch {
	case len(args) >= 3 && args[0] == "generate":
		count, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		seed, err := strconv.ParseUint(args[2], 10, 64)
		if err != nil {
			return err
		}
		if err := generate(out, count, seed, args[3:]); err != nil {
			return err
		}
	case len(args) == 1 && args[0] == "decide":
		if err := decideAll(os.Stdin, out); err != nil {
			return err
		}
	default:
		return fmt.Errorf("usage: keyring generate COUNT SEED [TABLE…] | keyring decide")
	}
	return out.Flush()
}

func decideAll(in io.Reader, out io.Writer) error {
	ring := judge{}
	// A key that is no URL shows in the log alone.
	klog.SetLogger(funcr.New(func(_, _ string) { ring.complaints++ }, funcr.Options{}))

	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var words []string
		if err := json.Unmarshal(lines.Bytes(), &words); err != nil {
			return err
		}
		if len(words) == 0 {
			return fmt.Errorf("a case without an image")
		}
		if _, err := fmt.Fprintln(out, ring.decide(words[0], words[1:])); err != nil {
			return err
		}
	}
	return lines.Err()
}

// judge knows how often the keyring has complained about a key.
type judge struct{ complaints int }

func (j *judge) decide(image string, keys []string) string {
	name, tag, digest, err := parsers.ParseImageName(image)
	if err != nil {
		// The kubelet stops here with InvalidImageName; what the keyring would say to the text does not matter.
		name = ""
	}
	var alone strings.Builder
	var all credentialprovider.BasicDockerKeyring
	for position, key := range keys {
		config := credentialprovider.DockerConfig{key: {Username: strconv.Itoa(position)}}
		all.Add(nil, config)

		var ring credentialprovider.BasicDockerKeyring
		before := j.complaints
		ring.Add(nil, config)
		switch {
		case j.complaints > before:
			alone.WriteByte('x')
		case name != "" && len(positions(&ring, name)) > 0:
			alone.WriteByte('+')
		default:
			alone.WriteByte('-')
		}
	}
	if name == "" {
		return "invalid\t" + alone.String() + "\t-"
	}
	reference := name + " " + orDash(tag) + " " + orDash(digest)
	return reference + "\t" + alone.String() + "\t" + orDash(strings.Join(positions(&all, name), " "))
}

func positions(ring *credentialprovider.BasicDockerKeyring, name string) []string {
	found, _ := ring.Lookup(name)
	positions := make([]string, len(found))
	for i, credential := range found {
		positions[i] = credential.Username
	}
	return positions
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
