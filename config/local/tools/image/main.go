// Command image writes an OCI image archive that holds one static program and nothing else:
// what a Dockerfile "FROM scratch" gives, built without a container engine.
//
//	image -name example.com/hub:v1 -o hub.tar [-user 65532:65532] BINARY PATH [ARG...]
//
// PATH is where the program lies in the image, and with the arguments its entrypoint. The
// same input gives the same digests. "ctr images import", "docker load" and what builds on them
// (kind, k3d, minikube) load the archive.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path"
	"runtime"
	"strings"
)

// A descriptor points to a blob, as the OCI image specification has it.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type object map[string]any

func main() {
	name := flag.String("name", "", "the image's reference, with a tag")
	out := flag.String("o", "", "archive to write")
	user := flag.String("user", "65532:65532", "user and group that the program runs as")
	flag.Parse()
	if err := run(*name, *out, *user, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(name, out, user string, args []string) error {
	if name == "" || out == "" || len(args) < 2 {
		return errors.New("usage: image -name REFERENCE -o ARCHIVE [-user USER:GROUP] BINARY PATH [ARG...]")
	}
	program, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	layer, err := tarOf(file{strings.TrimPrefix(path.Clean(args[1]), "/"), 0o755, program})
	if err != nil {
		return err
	}
	packed, err := pack(layer)
	if err != nil {
		return err
	}
	var a archive
	config := a.document("application/vnd.oci.image.config.v1+json", object{
		"architecture": runtime.GOARCH, "os": "linux",
		"config": object{"Entrypoint": args[1:], "User": user, "WorkingDir": "/"},
		"rootfs": object{"type": "layers", "diff_ids": []string{digest(layer)}},
	})
	contents := a.blob("application/vnd.oci.image.layer.v1.tar+gzip", packed)
	manifest := a.document("application/vnd.oci.image.manifest.v1+json", object{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": config, "layers": []descriptor{contents},
	})
	manifest.Annotations = map[string]string{"io.containerd.image.name": name}
	index := a.json(object{"schemaVersion": 2, "manifests": []descriptor{manifest}})
	// Docker before version 25 knows only its own list of contents.
	docker := a.json([]object{{"Config": blobPath(config), "RepoTags": []string{name}, "Layers": []string{blobPath(contents)}}})
	a.files = append(a.files,
		file{"index.json", 0o644, index},
		file{"oci-layout", 0o644, []byte(`{"imageLayoutVersion":"1.0.0"}`)},
		file{"manifest.json", 0o644, docker})
	if a.err != nil {
		return a.err
	}
	content, err := tarOf(a.files...)
	if err != nil {
		return err
	}
	return os.WriteFile(out, content, 0o644)
}

// An archive collects the files of an OCI layout, and what went wrong on the way.
type archive struct {
	files []file
	err   error
}

func (a *archive) blob(mediaType string, content []byte) descriptor {
	d := descriptor{MediaType: mediaType, Digest: digest(content), Size: len(content)}
	a.files = append(a.files, file{blobPath(d), 0o644, content})
	return d
}

func blobPath(d descriptor) string { return "blobs/" + strings.Replace(d.Digest, ":", "/", 1) }

func (a *archive) document(mediaType string, content object) descriptor {
	return a.blob(mediaType, a.json(content))
}

func (a *archive) json(content any) []byte {
	text, err := json.Marshal(content)
	a.err = errors.Join(a.err, err)
	return text
}

type file struct {
	name    string
	mode    int64
	content []byte
}

func tarOf(files ...file) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.content))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// pack is quick rather than thorough: the archive is read once, on this machine.
func pack(content []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}
