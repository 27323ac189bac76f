package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"integrationhub.dev/hub/action"
)

// stdin is the name of standard input in place of a file's.
const stdin = "-"

// openData opens what is to be delivered, and returns its size, or 0 where that is not known.
func openData(name string, in io.Reader) (io.ReadCloser, int64, error) {
	switch name {
	case "":
		return io.NopCloser(strings.NewReader("")), 0, nil
	case stdin:
		return io.NopCloser(in), 0, nil
	}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fmt.Errorf("no such file: %s", name)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("opening the data: %w", err)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a folder, not a file", name)
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// extensions are what Looker's formats arrive as, where that is not the format's own name.
var extensions = map[action.Format]string{
	action.InlineJSON: "json", action.JSONBI: "json", action.JSONLabel: "json",
	action.JSONDetail: "json", action.JSONDetailLiteStream: "json",
	action.CSVZip: "zip", action.WysiwygPDF: "pdf", action.AssembledPDF: "pdf", action.WysiwygPNG: "png",
}

// extension is what the hub is told of the data: from --format, or the file's name.
func extension(format, name string) string {
	if e, ok := extensions[action.Format(format)]; ok {
		return e
	}
	switch {
	case format != "":
		return format
	case name == stdin:
		return "json"
	}
	return strings.ToLower(strings.TrimPrefix(filepath.Ext(name), "."))
}
