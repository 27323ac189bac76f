package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"time"
)

// member is a file in an archive.
type member struct {
	name    string
	mode    int64
	content []byte
}

// tarOf writes members with one time and without an owner.
func tarOf(at time.Time, members ...member) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		header := &tar.Header{Name: m.name, Mode: m.mode, Size: int64(len(m.content)), ModTime: at, Format: tar.FormatPAX}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(m.content); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// gzipOf compresses without a name and a time.
func gzipOf(content []byte) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	err := w.Close()
	return b.Bytes(), err
}

func tarGzipOf(at time.Time, members ...member) ([]byte, error) {
	content, err := tarOf(at, members...)
	if err != nil {
		return nil, err
	}
	return gzipOf(content)
}

func zipOf(at time.Time, members ...member) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		header := &zip.FileHeader{Name: m.name, Method: zip.Deflate, Modified: at}
		f, err := w.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(m.content); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// readTarGzip returns the files of an archive, in order.
func readTarGzip(content []byte) ([]member, error) {
	unpacked, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("unpacking: %w", err)
	}
	return readTar(unpacked)
}

// readTar returns the regular files of an archive, in order.
func readTar(r io.Reader) ([]member, error) {
	var members []member
	for files := tar.NewReader(r); ; {
		header, err := files.Next()
		if err == io.EOF { //nolint:errorlint // tar returns it as it is
			return members, nil
		}
		if err != nil {
			return nil, fmt.Errorf("unpacking: %w", err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		text, err := io.ReadAll(files)
		if err != nil {
			return nil, fmt.Errorf("unpacking %s: %w", header.Name, err)
		}
		members = append(members, member{header.Name, header.Mode, text})
	}
}
