package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// compare reports every file that two folders do not both have with the same bytes. Signatures differ always.
func compare(first, second string) error {
	one, err := contents(first)
	if err != nil {
		return err
	}
	other, err := contents(second)
	if err != nil {
		return err
	}
	if len(one) == 0 {
		return fmt.Errorf("%s is empty", first)
	}
	var errs []error
	for name, content := range one {
		if found, ok := other[name]; !ok {
			errs = append(errs, fmt.Errorf("%s is missing in %s", name, second))
		} else if !bytes.Equal(content, found) {
			errs = append(errs, fmt.Errorf("%s differs", name))
		}
		delete(other, name)
	}
	for name := range other {
		errs = append(errs, fmt.Errorf("%s is missing in %s", name, first))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	say("%d files are the same, byte for byte", len(one))
	return nil
}

// contents reads a folder's files by name.
func contents(dir string) (map[string][]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	files := map[string][]byte{}
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == signature {
			return err
		}
		files[name], err = root.ReadFile(name)
		return err
	})
	return files, err
}
