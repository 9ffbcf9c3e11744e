// Command sops-decrypt checks what pullcred encrypts with the packages of sops itself, and YAML with the parser that sops uses.
//
//	sops-decrypt decrypt FILE     what package decrypt of sops (as ksops and helm-secrets call it) makes of FILE
//	sops-decrypt equal A B        ends with status 1 unless both files hold the same documents
//	sops-decrypt scalars          types each line of stdin as a plain scalar: text, type, what sops encrypts
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/decrypt"
	"go.yaml.in/yaml/v3"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "decrypt":
		clear, err := decrypt.File(args[1], "")
		if err != nil {
			return err
		}
		_, err = os.Stdout.Write(clear)
		return err
	case len(args) == 3 && args[0] == "equal":
		return equal(args[1], args[2])
	case len(args) == 1 && args[0] == "scalars":
		return scalars(os.Stdin, os.Stdout)
	}
	return errors.New("usage: sops-decrypt decrypt FILE | equal A B | scalars")
}

func equal(a, b string) error {
	first, err := load(a)
	if err != nil {
		return err
	}
	second, err := load(b)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(first, second) {
		return fmt.Errorf("%s and %s differ:\n%#v\n%#v", a, b, first, second)
	}
	return nil
}

func load(path string) ([]any, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var documents []any
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var document any
		if err := decoder.Decode(&document); err == io.EOF {
			return documents, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		documents = append(documents, numbers(document))
	}
}

// numbers makes whole floating point numbers integers, as a pass through sops does (1.0 comes out as 1).
func numbers(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			value[key] = numbers(inner)
		}
	case []any:
		for index, inner := range value {
			value[index] = numbers(inner)
		}
	case float64:
		if value != value {
			return "not a number"
		}
		if float64(int(value)) == value && value > -1e15 && value < 1e15 {
			return int(value)
		}
	}
	return value
}

func scalars(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		text := lines.Text()
		var document yaml.Node
		if err := yaml.Unmarshal([]byte("k: "+text+"\n"), &document); err != nil {
			return fmt.Errorf("%q: %w", text, err)
		}
		node := document.Content[0].Content[1]
		if node.Kind != yaml.ScalarNode || node.Style != 0 || node.Value != text {
			return fmt.Errorf("%q is no plain scalar", text)
		}
		var value any
		if err := node.Decode(&value); err != nil {
			return fmt.Errorf("%q: %w", text, err)
		}
		kind := map[string]string{"string": "str", "float64": "float", "time.Time": "time", "<nil>": "null"}
		name, known := kind[fmt.Sprintf("%T", value)]
		if !known {
			name = fmt.Sprintf("%T", value)
		}
		fmt.Fprintf(out, "%s\t%s", text, name)
		if plaintext, err := sops.ToBytes(value); err == nil {
			fmt.Fprintf(out, "\t%s", plaintext)
		}
		fmt.Fprintln(out)
	}
	return lines.Err()
}
