// Package images maps names of images to programs of this machine. An image is either an
// archive with one static program, as config/local/tools/image writes it, or a program.
package images

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Image is what a container runs when it names the image.
type Image struct {
	Name       string   `json:"name"`
	ID         string   `json:"id"`
	Root       string   `json:"root,omitempty"`    // folder with the image's files; empty for a program
	Program    string   `json:"program,omitempty"` // on this machine; empty for an archive
	Entrypoint []string `json:"entrypoint"`        // the program as the image calls it, and arguments
	Cmd        []string `json:"cmd,omitempty"`     // further arguments, which a container's replace
	Env        []string `json:"env,omitempty"`
	WorkingDir string   `json:"workingDir,omitempty"`
}

// Store keeps images in a folder. What one process loads, another finds.
type Store struct{ Folder string }

// ErrNotFound says that an image is not in the store.
var ErrNotFound = errors.New("image not found")

func (s Store) file(name string) string {
	return filepath.Join(s.Folder, url.PathEscape(reference(name))+".json")
}

// reference adds the tag that a name without one means.
func reference(name string) string {
	if last := name[strings.LastIndex(name, "/")+1:]; !strings.ContainsAny(last, ":@") {
		return name + ":latest"
	}
	return name
}

// Find returns the image with a name.
func (s Store) Find(name string) (Image, error) {
	text, err := os.ReadFile(s.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return Image{}, fmt.Errorf("%w: %s; load it first", ErrNotFound, name)
	}
	if err != nil {
		return Image{}, fmt.Errorf("reading an image: %w", err)
	}
	var i Image
	if err := json.Unmarshal(text, &i); err != nil {
		return Image{}, fmt.Errorf("reading image %s: %w", name, err)
	}
	return i, nil
}

func (s Store) save(i Image) error {
	if err := os.MkdirAll(s.Folder, 0o700); err != nil {
		return fmt.Errorf("saving an image: %w", err)
	}
	text, err := json.Marshal(i)
	if err != nil {
		return fmt.Errorf("saving image %s: %w", i.Name, err)
	}
	file := s.file(i.Name)
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		return fmt.Errorf("saving image %s: %w", i.Name, err)
	}
	return os.Rename(file+".new", file)
}

// Load takes archives, and programs as NAME=PROGRAM ARGUMENT... in one argument.
func (s Store) Load(what string) (Image, error) {
	name, program, ok := strings.Cut(what, "=")
	if !ok {
		return s.LoadArchive(what)
	}
	words := strings.Fields(program)
	if name == "" || len(words) == 0 {
		return Image{}, fmt.Errorf("%q: want the name of an archive, or NAME=PROGRAM", what)
	}
	file, err := filepath.Abs(words[0])
	if err != nil {
		return Image{}, fmt.Errorf("finding the program of image %s: %w", name, err)
	}
	info, err := os.Stat(file) //nolint:gosec // the user says which
	if err != nil {
		return Image{}, fmt.Errorf("finding the program of image %s: %w", name, err)
	}
	if info.IsDir() || info.Mode()&0o111 == 0 {
		return Image{}, fmt.Errorf("image %s: %s is not a program", name, file)
	}
	i := Image{
		Name: name, ID: fmt.Sprintf("program://%s?%d", file, info.ModTime().UnixNano()),
		Program: file, Entrypoint: append([]string{"/" + filepath.Base(file)}, words[1:]...),
	}
	return i, s.save(i)
}

// LoadArchive unpacks an OCI image archive.
func (s Store) LoadArchive(file string) (Image, error) {
	files, err := readTar(file)
	if err != nil {
		return Image{}, fmt.Errorf("reading the image archive %s: %w", file, err)
	}
	i, err := s.unpack(files)
	if err != nil {
		return Image{}, fmt.Errorf("unpacking the image archive %s: %w", file, err)
	}
	return i, s.save(i)
}

func readTar(file string) (map[string][]byte, error) {
	f, err := os.Open(file) //nolint:gosec // the user says which
	if err != nil {
		return nil, err
	}
	defer f.Close()
	files := map[string][]byte{}
	r := tar.NewReader(f)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if files[path.Clean(h.Name)], err = io.ReadAll(r); err != nil {
			return nil, err
		}
	}
}

type descriptor struct {
	Digest      string            `json:"digest"`
	Annotations map[string]string `json:"annotations"`
}

func (s Store) unpack(files map[string][]byte) (Image, error) {
	blob := func(d descriptor) ([]byte, error) {
		content, ok := files["blobs/"+strings.Replace(d.Digest, ":", "/", 1)]
		if !ok {
			return nil, fmt.Errorf("it has no blob %s", d.Digest)
		}
		return content, nil
	}
	document := func(d descriptor, into any) error {
		content, err := blob(d)
		if err != nil {
			return err
		}
		return json.Unmarshal(content, into)
	}
	var index struct{ Manifests []descriptor }
	if err := json.Unmarshal(files["index.json"], &index); err != nil {
		return Image{}, fmt.Errorf("it is not an OCI archive: %w", err)
	}
	if len(index.Manifests) != 1 {
		return Image{}, fmt.Errorf("it has %d images, want one", len(index.Manifests))
	}
	name := index.Manifests[0].Annotations["io.containerd.image.name"]
	if name == "" {
		return Image{}, errors.New("its image has no name")
	}
	var manifest struct {
		Config descriptor
		Layers []descriptor
	}
	var config struct {
		Config struct {
			Entrypoint, Cmd, Env []string
			WorkingDir           string
		}
	}
	if err := document(index.Manifests[0], &manifest); err != nil {
		return Image{}, err
	}
	if err := document(manifest.Config, &config); err != nil {
		return Image{}, err
	}
	root := filepath.Join(s.Folder, strings.Replace(manifest.Config.Digest, ":", "-", 1))
	if _, err := os.Stat(root); err != nil {
		fresh := root + ".new"
		if err := os.RemoveAll(fresh); err != nil {
			return Image{}, err
		}
		for _, l := range manifest.Layers {
			content, err := blob(l)
			if err != nil {
				return Image{}, err
			}
			if err := layer(fresh, content); err != nil {
				return Image{}, err
			}
		}
		if err := os.Rename(fresh, root); err != nil {
			return Image{}, err
		}
	}
	return Image{
		Name: name, ID: manifest.Config.Digest, Root: root, Entrypoint: config.Config.Entrypoint,
		Cmd: config.Config.Cmd, Env: config.Config.Env, WorkingDir: config.Config.WorkingDir,
	}, nil
}

// layer unpacks files and folders; a static program needs nothing else.
func layer(folder string, content []byte) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	unpacked, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return err
	}
	r := tar.NewReader(unpacked)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
		switch h.Typeflag {
		case tar.TypeDir:
			if name != "" {
				err = root.MkdirAll(name, 0o700)
			}
		case tar.TypeReg:
			err = write(root, name, fs.FileMode(h.Mode&0o777), r)
		}
		if err != nil {
			return fmt.Errorf("unpacking %s: %w", h.Name, err)
		}
	}
}

func write(root *os.Root, name string, mode fs.FileMode, content io.Reader) error {
	if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode|0o400)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}

// Executable returns the file that a container's command names. A command that the image does
// not have is an error, although this machine may have it: in the image it would not be there.
func (i Image) Executable(command string) (string, error) {
	if i.Program != "" {
		if command == i.Entrypoint[0] || command == i.Program || path.Base(command) == filepath.Base(i.Program) {
			return i.Program, nil
		}
		return "", fmt.Errorf("exec: %q: not in the image, which has %s only", command, i.Entrypoint[0])
	}
	for _, folder := range []string{"", "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
		if folder != "" && strings.Contains(command, "/") {
			break
		}
		file := filepath.Join(i.Root, path.Join("/", folder, command))
		if info, err := os.Stat(file); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", fmt.Errorf("exec: %q: not in the image", command)
}
