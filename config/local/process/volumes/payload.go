// Package volumes writes a pod's volumes into folders.
package volumes

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// File is one file of a volume.
type File struct {
	Content []byte
	Mode    fs.FileMode
}

const data = "..data"

// Write makes a folder hold these files and no others. A change is one rename of a symbolic
// link, as the kubelet does it, so that a reader never sees a certificate with the key of
// another. It reports whether anything changed.
//
//	folder/tls.crt -> ..data/tls.crt
//	folder/..data  -> ..2026-...
func Write(folder string, files map[string]File) (bool, error) {
	for name := range files {
		if !filepath.IsLocal(name) || strings.HasPrefix(name, "..") {
			return false, fmt.Errorf("%q is not a path within a volume", name)
		}
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return false, fmt.Errorf("making a volume: %w", err)
	}
	if current, err := read(filepath.Join(folder, data)); err == nil && reflect.DeepEqual(current, normal(files)) {
		return false, nil
	}
	fresh, err := os.MkdirTemp(folder, "..version-")
	if err != nil {
		return false, fmt.Errorf("making a volume's files: %w", err)
	}
	for name, f := range files {
		if err := writeFile(filepath.Join(fresh, name), f); err != nil {
			return false, errors.Join(err, os.RemoveAll(fresh))
		}
	}
	old, _ := os.Readlink(filepath.Join(folder, data)) // there is none the first time
	link := filepath.Join(folder, data+"-new")
	if err := errors.Join(ignoreMissing(os.Remove(link)), os.Symlink(filepath.Base(fresh), link)); err != nil {
		return false, fmt.Errorf("switching a volume's files: %w", err)
	}
	if err := os.Rename(link, filepath.Join(folder, data)); err != nil {
		return false, fmt.Errorf("switching a volume's files: %w", err)
	}
	if err := links(folder, files); err != nil {
		return true, err
	}
	if old != "" {
		return true, os.RemoveAll(filepath.Join(folder, old))
	}
	return true, nil
}

func writeFile(name string, f File) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return fmt.Errorf("writing a volume's file: %w", err)
	}
	if err := os.WriteFile(name, f.Content, 0o600); err != nil {
		return fmt.Errorf("writing a volume's file: %w", err)
	}
	// The owner must be able to read it and to remove it, whatever the volume says.
	return os.Chmod(name, f.Mode.Perm()|0o400)
}

// links makes the names that users see, one for each first part of a path.
func links(folder string, files map[string]File) error {
	var want []string
	for name := range files {
		first, _, _ := strings.Cut(name, string(filepath.Separator))
		want = append(want, first)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("listing a volume's files: %w", err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "..") && !slices.Contains(want, e.Name()) {
			if err := os.Remove(filepath.Join(folder, e.Name())); err != nil {
				return fmt.Errorf("removing a volume's file: %w", err)
			}
		}
	}
	for _, name := range want {
		err := os.Symlink(filepath.Join(data, name), filepath.Join(folder, name))
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("showing a volume's file: %w", err)
		}
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func normal(files map[string]File) map[string]File {
	out := map[string]File{}
	for name, f := range files {
		out[filepath.Clean(name)] = File{Content: append([]byte{}, f.Content...), Mode: f.Mode.Perm() | 0o400}
	}
	return out
}

func read(folder string) (map[string]File, error) {
	folder, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return nil, err
	}
	files := map[string]File{}
	err = filepath.WalkDir(folder, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(name) //nolint:gosec // written here, in a folder of the user's own
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(folder, name)
		files[relative] = File{Content: append([]byte{}, content...), Mode: info.Mode().Perm()}
		return err
	})
	return files, err
}
