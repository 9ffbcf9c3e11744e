package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"

	"k8s.io/kubernetes/pkg/util/parsers"
)

// generate prints the cases of the tables, then random ones. Equal arguments give equal cases.
func generate(out io.Writer, count int, seed uint64, tables []string) error {
	// Go's HTML-safe escaping is valid JSON, and so are the replacement characters for what is not UTF-8: as in any Secret.
	print := func(words []string) error {
		line, err := json.Marshal(words)
		if err == nil {
			_, err = fmt.Fprintf(out, "%s\n", line)
		}
		return err
	}
	for _, table := range tables {
		cases, err := tableCases(table)
		if err != nil {
			return err
		}
		for _, words := range cases {
			if err := print(words); err != nil {
				return err
			}
		}
	}
	r := random{rand.New(rand.NewPCG(seed, 0))}
	for range count {
		if err := print(r.words()); err != nil {
			return err
		}
	}
	return nil
}

// tableCases makes cases of a table of crates/kubelet-keyring/fixtures/tables: of its column `image`, and of its column `key` or, with spaces between
// several, `keys`. A cell in double quotes is a JSON string.
func tableCases(path string) ([][]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var header []string
	var cases [][]string
	for number, line := range strings.Split(string(text), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, "\t")
		if header == nil {
			header = cells
			continue
		}
		if len(cells) != len(header) {
			return nil, fmt.Errorf("%s:%d: %d cells, but %d columns", path, number+1, len(cells), len(header))
		}
		image, keys := "registry.example.com/app", []string{}
		for column, cell := range cells {
			text := cell
			if strings.HasPrefix(cell, `"`) {
				if err := json.Unmarshal([]byte(cell), &text); err != nil {
					return nil, fmt.Errorf("%s:%d: %w", path, number+1, err)
				}
			}
			switch {
			case header[column] == "image":
				image = text
			case header[column] == "keys" && text == cell:
				keys = strings.Fields(text)
			case header[column] == "key", header[column] == "keys":
				keys = []string{text}
			}
		}
		cases = append(cases, append([]string{image}, keys...))
	}
	return cases, nil
}

type random struct{ *rand.Rand }

func (r random) pick(from ...string) string { return from[r.IntN(len(from))] }

// chance is true in so many of a hundred cases.
func (r random) chance(percent int) bool { return r.IntN(100) < percent }

// words makes one case: mostly one key, sometimes a keyring of up to eight whose order counts.
func (r random) words() []string {
	image := r.image()
	words := []string{image}
	count := 1
	if r.chance(25) {
		count = 2 + r.IntN(7)
	}
	for range count {
		words = append(words, r.key(image))
	}
	return words
}

func (r random) image() string {
	text := r.host()
	if text != "" {
		text += "/"
	}
	text += r.path()
	if r.chance(40) {
		text += ":" + r.pick("1", "latest", "v1.2.3", "_x", "8080", "1.0-RC.1", strings.Repeat("t", 128))
	}
	if r.chance(12) {
		text += "@" + r.digest()
	}
	if r.chance(3) {
		text += ":" + r.pick("-1", ".", "", "a:b", "ä", strings.Repeat("t", 129))
	}
	if r.chance(2) {
		text = r.pick("", "${IMAGE}", "ko://example.com/app", "{{ .Values.image }}", "https://"+text, strings.Repeat("a", 64),
			" "+text, text+"\n", "localhost", "localhost:5000", "example.com", "docker.io", "/app", "a//b", "docker.io/docker.io/a")
	}
	if r.chance(5) {
		text = r.mutate(text)
	}
	return text
}

func (r random) host() string {
	switch {
	case r.chance(20):
		return ""
	case r.chance(8):
		return r.address() + r.pick("", ":80", ":5000", ":")
	case r.chance(75):
		return r.pick("docker.io", "index.docker.io", "registry-1.docker.io", "Docker.IO", "quay.io", "gcr.io", "eu.gcr.io",
			"localhost", "localhost:5000", "registry:5000", "registry:80", "reg.example.com", "reg.example.com:443",
			"bar.example.com", "a.b.c.example.com", "shop.azurecr.io", "Registry", "A", "X", "a.b", "1.2.3.4", "1.2.3.4:5000",
			"my_registry.io", "a__b.c", "reg-.io", "-reg.io", "reg..io", "reg.io.", "xn--e1afmkfd.xn--p1ai",
			"123456789012.dkr.ecr.eu-west-1.amazonaws.com", "registry-vpc.cn-hangzhou.aliyuncs.com")
	}
	labels := make([]string, 1+r.IntN(4))
	for i := range labels {
		labels[i] = r.label()
	}
	return strings.Join(labels, ".") + r.pick("", "", "", ":80", ":5000", ":080")
}

func (r random) label() string {
	label := make([]byte, 1+r.IntN(4))
	for i := range label {
		label[i] = "aaaaaabbbbbbcccccc111111-A_"[r.IntN(27)]
	}
	return string(label)
}

// address makes something in brackets that is or nearly is an IPv6 address.
func (r random) address() string {
	return "[" + r.pick("::1", "::", "fe80::1", "2001:db8::A", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7::8", "::1:2:3:4:5:6:7",
		"1::2::3", "12345::", ":", "1:2", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5::6:1.2.3.4", "::01.2.3.4", "::1.2.3.256",
		"1.2.3.4", "", "a", "::a") + "]"
}

func (r random) path() string {
	if r.chance(2) {
		return strings.Repeat("a", 244+r.IntN(14))
	}
	parts := make([]string, 1+r.IntN(3))
	for i := range parts {
		parts[i] = r.pick("nginx", "library", "org", "app", "pong", "pongz", "pang", "v1", "v2", "a", "ab", "a-b", "a--b", "a_b", "a__b",
			"a___b", "a.b", "a..b", "1", "App", "")
		if r.chance(90) && !isPlain(parts[i]) {
			parts[i] = "app"
		}
	}
	return strings.Join(parts, "/")
}

func isPlain(part string) bool {
	return part != "" && strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

func (r random) digest() string {
	algorithm := r.pick("sha256", "sha384", "sha512")
	if r.chance(10) {
		algorithm = r.pick("SHA256", "md5", "sha256+b64", "sha1", "")
	}
	length := map[string]int{"sha384": 96, "sha512": 128, "md5": 32}[algorithm]
	if length == 0 {
		length = 64
	}
	if r.chance(10) {
		length += r.IntN(3) - 1
	}
	return algorithm + ":" + strings.Repeat(r.pick("0", "1", "9", "a", "b", "c", "d", "f", "A", "g"), length)
}

// key makes a key that often serves the image: its name, cut and disguised. The rest comes from elsewhere.
func (r random) key(image string) string {
	name, _, _, err := parsers.ParseImageName(image)
	if err != nil {
		name = image
	}
	host, path, _ := strings.Cut(name, "/")
	path = "/" + path
	if r.chance(10) {
		host = r.host()
	}
	if r.chance(8) {
		path = "/" + r.path()
	}
	if host == "docker.io" && r.chance(50) {
		host = r.pick("index.docker.io", "index.docker.io", "registry-1.docker.io", "*.docker.io", "docker.io:443")
	}
	host = r.disguiseHost(host)
	path = r.disguisePath(path)
	key := r.pick("", "https://", "http://")
	if r.chance(10) {
		key = r.pick("HTTPS://", "ftp://", "//", "https:/", "https://http://")
	}
	if r.chance(5) {
		key += r.pick("user", "user:pass", "us%65r:p%40ss", "a@b", "a b", "ü", "a%2", "", "a/b", "[", "a?b", "a#b") + "@"
	}
	key += host + path
	if r.chance(5) {
		key += r.pick("?", "?a=b", "#", "#a", "#%zz", "?%zz", "#\x01", "?\x01", " ", "\n", "??", "?#")
	}
	if r.chance(5) {
		key = r.mutate(key)
	}
	if r.chance(1) {
		key = r.pick("", "*", "/", "//", "*.*", "*:*", "*:5000", "https://", "https", ":", ":80", "%", "#", "?", "@", "[", "]", "[]", "*]",
			"[::A]", "[::1%2525A-a]*]", "[::1%2525X]", "[::1%25en0]:80", "[fe80::1%25]", "https://index.docker.io/v1/", "docker.io")
	}
	return key
}

func (r random) disguiseHost(host string) string {
	if r.chance(60) {
		return host
	}
	name, port, hasPort := strings.Cut(host, ":")
	if strings.HasPrefix(host, "[") {
		end := strings.LastIndex(host, "]") + 1
		name, port, hasPort = host[:end], strings.TrimPrefix(host[end:], ":"), end < len(host)
		if r.chance(30) && end > 1 {
			name = name[:end-1] + r.pick("%25en0", "%2525en0", "%2525A-a", "%2525a%252520", "%2525%255D*", "%25", "%2525", "%en0", "%25%zz",
				"%2525%255D%255BA", "%2525.b") + "]"
		}
	}
	labels := strings.Split(name, ".")
	for range 1 + r.IntN(2) {
		i := r.IntN(len(labels))
		label := labels[i]
		cut := r.IntN(len(label) + 1)
		switch r.IntN(12) {
		case 0, 1, 2, 3:
			labels[i] = "*"
		case 4:
			labels[i] = label[:cut] + "*"
		case 5:
			labels[i] = "*" + label[cut:]
		case 6:
			labels[i] = label[:cut] + "*" + label[min(len(label), cut+1):]
		case 7:
			labels[i] = label[:cut] + r.pick("?", "[a-z]", "[^a]", "\\", "**", "*-*", "%2A", "%C3%A9", "%25", "%2525C3", "é", "%3F", ",", "\"",
				"]", "[", " ", "<", "|", "^") + label[min(len(label), cut+1):]
		case 8:
			labels[i] = strings.ToUpper(label)
		case 9:
			labels = append(labels, r.pick("", "*", "io"))
		case 10:
			labels = append(labels[:i:i], labels[i+1:]...)
			if len(labels) == 0 {
				labels = []string{""}
			}
		case 11:
			port, hasPort = r.pick(port, port, "80", "5000", "0", "443", "", "x", "80:80", "*", "-1"), r.chance(60)
		}
	}
	host = strings.Join(labels, ".")
	if hasPort {
		host += ":" + port
	}
	return host
}

func (r random) disguisePath(path string) string {
	switch {
	case r.chance(40):
		path = ""
	case r.chance(40):
		path = path[:r.IntN(len(path)+1)]
	}
	if r.chance(25) {
		path = r.pick("/v1", "/v2", "/v1/", "/v2/", "/v3/", "/V1/", "/v1/v2", "/v1//", "//", "/%76%31/", "/v%31", "/v1%2F") + path
	}
	if r.chance(10) && len(path) > 0 {
		at := r.IntN(len(path))
		path = path[:at] + r.pick(fmt.Sprintf("%%%02X", path[at]), fmt.Sprintf("%%25%02x", path[at]), "*", "?", "%3F", "%23", "%25", "%2", "%00", "%0A",
			" ", "%20", "[", "//", "/../", ";", "é", "%ff", "@", ":") + path[at+1:]
	}
	if r.chance(10) {
		path += r.pick("/", "//", "*", ":1111", "/*", "\t", "%")
	}
	return path
}

// mutate changes a few places: a character goes, comes or is replaced.
func (r random) mutate(text string) string {
	const soup = "aA1.-_:/@%[]*?#\\ ^~+,<>\"{}$&=|;!é\u0000\t\n\u007f\u2028ſK"
	letters, runes := []rune(soup), []rune(text)
	for range 1 + r.IntN(3) {
		at := r.IntN(len(runes) + 1)
		letter := letters[r.IntN(len(letters))]
		switch {
		case at == len(runes) || r.chance(34):
			runes = append(runes[:at:at], append([]rune{letter}, runes[at:]...)...)
		case r.chance(50):
			runes[at] = letter
		default:
			runes = append(runes[:at:at], runes[at+1:]...)
		}
	}
	return string(runes)
}
