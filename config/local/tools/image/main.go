// Command image writes an OCI image archive (loadable with "ctr images import") that
// holds only the files given: a "FROM scratch" image, built without a container engine.
//
//	image -name example.com/hub:v1 -o hub.tar [-user 65532:65532] [-env K=V]... \
//	        -entrypoint /hello SRC:DST[:MODE]...
//
// The output is reproducible: the same inputs give the same digests.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path"
	"runtime"
	"sort"
	"strconv"
	"strings"
)

type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Platform    map[string]string `json:"platform,omitempty"`
}

func main() {
	log.SetFlags(0)
	var env, entry list
	name := flag.String("name", "", "image reference, e.g. hub.test/hello:v1")
	out := flag.String("o", "", "archive to write")
	user := flag.String("user", "", "user[:group] the process runs as")
	flag.Var(&env, "env", "K=V (repeatable)")
	flag.Var(&entry, "entrypoint", "one word of the entrypoint (repeatable)")
	flag.Parse()
	if *name == "" || *out == "" || len(entry) == 0 || flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}

	// The layer: the files, and the directories above them.
	var layer bytes.Buffer
	tw := tar.NewWriter(&layer)
	dirs := map[string]bool{"/tmp": true}
	type file struct {
		dst  string
		mode int64
		data []byte
	}
	var files []file
	for _, a := range flag.Args() {
		p := strings.Split(a, ":")
		f := file{mode: 0o755}
		var err error
		if f.data, err = os.ReadFile(p[0]); err != nil {
			log.Fatal(err)
		}
		f.dst = path.Clean("/" + p[1])
		if len(p) > 2 {
			if f.mode, err = strconv.ParseInt(p[2], 8, 64); err != nil {
				log.Fatal(err)
			}
		}
		files = append(files, f)
		for d := path.Dir(f.dst); d != "/"; d = path.Dir(d) {
			dirs[d] = true
		}
	}
	var ds []string
	for d := range dirs {
		ds = append(ds, d)
	}
	sort.Strings(ds)
	for _, d := range ds {
		mode := int64(0o755)
		if d == "/tmp" {
			mode = 0o1777
		}
		check(tw.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: d[1:] + "/", Mode: mode}))
	}
	for _, f := range files {
		check(tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.dst[1:], Mode: f.mode, Size: int64(len(f.data))}))
		_, err := tw.Write(f.data)
		check(err)
	}
	check(tw.Close())
	diffID := digest(layer.Bytes())
	var gz bytes.Buffer
	zw, _ := gzip.NewWriterLevel(&gz, gzip.BestSpeed)
	_, err := zw.Write(layer.Bytes())
	check(err)
	check(zw.Close())

	blobs := map[string][]byte{}
	put := func(b []byte, mt string) descriptor {
		d := digest(b)
		blobs["blobs/sha256/"+strings.TrimPrefix(d, "sha256:")] = b
		return descriptor{MediaType: mt, Digest: d, Size: int64(len(b))}
	}
	layerDesc := put(gz.Bytes(), "application/vnd.oci.image.layer.v1.tar+gzip")
	cfg := map[string]any{"Entrypoint": []string(entry), "WorkingDir": "/"}
	if len(env) > 0 {
		cfg["Env"] = []string(env)
	}
	if *user != "" {
		cfg["User"] = *user
	}
	cfgDesc := put(js(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux", "config": cfg,
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{diffID}},
	}), "application/vnd.oci.image.config.v1+json")
	man := put(js(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": cfgDesc, "layers": []descriptor{layerDesc},
	}), "application/vnd.oci.image.manifest.v1+json")
	man.Annotations = map[string]string{
		"io.containerd.image.name":          *name,
		"org.opencontainers.image.ref.name": (*name)[strings.LastIndexByte(*name, ':')+1:],
	}
	man.Platform = map[string]string{"architecture": runtime.GOARCH, "os": "linux"}
	blobs["index.json"] = js(map[string]any{"schemaVersion": 2, "manifests": []descriptor{man}})
	blobs["oci-layout"] = []byte(`{"imageLayoutVersion":"1.0.0"}`)

	var archive bytes.Buffer
	tw = tar.NewWriter(&archive)
	for _, d := range []string{"blobs/", "blobs/sha256/"} {
		check(tw.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: d, Mode: 0o755}))
	}
	var names []string
	for n := range blobs {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		check(tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: n, Mode: 0o644, Size: int64(len(blobs[n]))}))
		_, err := tw.Write(blobs[n])
		check(err)
	}
	check(tw.Close())
	check(os.WriteFile(*out, archive.Bytes(), fs.FileMode(0o644)))
	fmt.Println(*name, man.Digest, archive.Len(), "bytes")
}

func digest(b []byte) string { s := sha256.Sum256(b); return "sha256:" + hex.EncodeToString(s[:]) }

func js(v any) []byte { b, err := json.Marshal(v); check(err); return b }

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
