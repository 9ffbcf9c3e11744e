// A repo server's side of an Argo CD plugin, as far as a check needs it: sends a tree to argocd-cmp-server over its socket and prints
// the answer. The messages are those of cmpserver/plugin/plugin.proto, written by hand, so that Argo CD itself is not linked.
//
//	cmp-client SOCKET check
//	cmp-client SOCKET match|parameters|generate ROOT APP-PATH [NAME=VALUE…]
//
// `generate` prints one JSON object per line, the others one `name value` per line. A refusal goes to stderr with status 1.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/protobuf/encoding/protowire"
)

const (
	service   = "/plugin.ConfigManagementPluginService/"
	chunkSize = 1024
	deadline  = 60 * time.Second
)

// raw passes messages on as the bytes they are.
type raw struct{}

var _ encoding.Codec = raw{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(message any) ([]byte, error) { return *message.(*[]byte), nil }

func (raw) Unmarshal(bytes []byte, message any) error {
	*message.(*[]byte) = append([]byte(nil), bytes...)
	return nil
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) < 2 {
		return errors.New("usage: cmp-client SOCKET check | SOCKET match|parameters|generate ROOT APP-PATH [NAME=VALUE…]")
	}
	connection, err := grpc.NewClient("unix:"+arguments[0],
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})))
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	if arguments[1] == "check" {
		request, answer := []byte{}, []byte{}
		if err := connection.Invoke(ctx, service+"CheckPluginConfiguration", &request, &answer, grpc.WaitForReady(true)); err != nil {
			return err
		}
		return flags(answer, "discovery", "credentials")
	}
	if len(arguments) < 4 {
		return errors.New("a root and the path of the Application are missing")
	}
	method := map[string]string{
		"match": "MatchRepository", "parameters": "GetParametersAnnouncement", "generate": "GenerateManifest",
	}[arguments[1]]
	if method == "" {
		return fmt.Errorf("unknown request %q", arguments[1])
	}
	answer, err := send(ctx, connection, method, arguments[2], arguments[3], arguments[4:])
	if err != nil {
		return err
	}
	switch arguments[1] {
	case "match":
		return flags(answer, "supported", "discovery")
	case "parameters":
		return fields(answer, func(number protowire.Number, value []byte) error {
			return fields(value, func(number protowire.Number, value []byte) error {
				if number == 1 {
					fmt.Println("parameter", string(value))
				}
				return nil
			})
		})
	default:
		return fields(answer, func(number protowire.Number, value []byte) error {
			if number == 1 {
				fmt.Println(string(value))
			}
			return nil
		})
	}
}

// send streams the tree and returns the answer.
func send(ctx context.Context, connection *grpc.ClientConn, method, root, app string, environment []string) ([]byte, error) {
	archive, err := pack(root)
	if err != nil {
		return nil, err
	}
	stream, err := connection.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, service+method, grpc.WaitForReady(true))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(archive)
	var metadata []byte
	metadata = text(metadata, 1, filepath.Base(app))
	metadata = text(metadata, 2, app)
	metadata = text(metadata, 3, hex.EncodeToString(sum[:]))
	metadata = protowire.AppendTag(metadata, 4, protowire.VarintType)
	metadata = protowire.AppendVarint(metadata, uint64(len(archive)))
	for _, variable := range environment {
		name, value, _ := strings.Cut(variable, "=")
		metadata = text(metadata, 5, string(text(text(nil, 1, name), 2, value)))
	}
	messages := [][]byte{text(nil, 1, string(metadata))}
	for chunk := range chunks(archive) {
		messages = append(messages, text(nil, 2, string(text(nil, 1, string(chunk)))))
	}
	for _, message := range messages {
		// The server's own error comes with the answer.
		if err := stream.SendMsg(&message); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return nil, err
	}
	var answer []byte
	return answer, stream.RecvMsg(&answer)
}

func chunks(archive []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(archive) > 0 {
			size := min(chunkSize, len(archive))
			if !yield(archive[:size]) {
				return
			}
			archive = archive[size:]
		}
	}
}

// pack makes the archive that the repo server would send: everything below root.
func pack(root string) ([]byte, error) {
	var buffer bytes.Buffer
	compressed := gzip.NewWriter(&buffer)
	archive := tar.NewWriter(compressed)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		header, err := tar.FileInfoHeader(info, "")
		if err != nil {
			return err
		}
		if header.Name, err = filepath.Rel(root, path); err != nil {
			return err
		}
		if err := archive.WriteHeader(header); err != nil || !info.Mode().IsRegular() {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = io.Copy(archive, file)
		return err
	})
	// Both have to be closed before the buffer is whole.
	err = errors.Join(err, archive.Close(), compressed.Close())
	return buffer.Bytes(), err
}

func text(message []byte, number protowire.Number, value string) []byte {
	return protowire.AppendString(protowire.AppendTag(message, number, protowire.BytesType), value)
}

// fields calls each for every field of a message; of a number it gives the varint's bytes.
func fields(message []byte, each func(protowire.Number, []byte) error) error {
	for len(message) > 0 {
		number, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return protowire.ParseError(size)
		}
		message = message[size:]
		size = protowire.ConsumeFieldValue(number, kind, message)
		if size < 0 {
			return protowire.ParseError(size)
		}
		value := message[:size]
		if kind == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(value)
		}
		if err := each(number, value); err != nil {
			return err
		}
		message = message[size:]
	}
	return nil
}

// flags prints the first booleans of a message under their names; proto3 leaves out what is false.
func flags(message []byte, names ...string) error {
	values := make([]bool, len(names)+1)
	err := fields(message, func(number protowire.Number, value []byte) error {
		if int(number) < len(values) {
			values[number] = len(value) == 1 && value[0] == 1
		}
		return nil
	})
	for nth, name := range names {
		fmt.Println(name, values[nth+1])
	}
	return err
}
