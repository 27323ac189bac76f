package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// source is the commit that a release is built from.
type source struct {
	// root is the checkout, until export replaces it by a folder with the commit's files alone.
	root   string
	commit string
	// time is the commit's, and that of every file in a release.
	time time.Time
}

// readSource refuses a checkout with changes: the same release could not be built from its commit.
func readSource(ctx context.Context, root string) (source, error) {
	if err := checkRepository(ctx, root); err != nil {
		return source{}, err
	}
	// A user's configuration can hide new files.
	status, err := output(ctx, root, nil, "git", "status", "--porcelain", "--untracked-files=normal")
	if err != nil {
		return source{}, err
	}
	if status != "" {
		return source{}, errors.New("the checkout has changes that are not committed. Commit or remove them first:\n" + status)
	}
	log, err := output(ctx, root, nil, "git", "log", "-1", "--no-show-signature", "--format=%H %ct")
	if err != nil {
		return source{}, err
	}
	commit, seconds, _ := strings.Cut(log, " ")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return source{}, fmt.Errorf("reading the commit's time: %w", err)
	}
	return source{root: root, commit: commit, time: time.Unix(unix, 0).UTC()}, nil
}

// checkRepository refuses a folder without a repository of its own, as of an unpacked archive: git would answer
// for the repository around it.
func checkRepository(ctx context.Context, root string) error {
	top, err := output(ctx, root, nil, "git", "rev-parse", "--show-toplevel")
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("git is not installed: %w", err)
	}
	if err != nil {
		return fmt.Errorf("a release is built from a clone of the repository, as it records the commit: %w", err)
	}
	same, err := sameFolder(root, top)
	if err == nil && !same {
		err = fmt.Errorf("%s has no repository of its own, only %s has one. A release is built from a clone of the repository, as it records the commit", root, top)
	}
	return err
}

func sameFolder(a, b string) (bool, error) {
	one, err := os.Stat(a)
	if err != nil {
		return false, err
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other), err
}

// export writes the commit's files into a folder, and returns the source there. Files that git ignores and a
// conversion of line ends would otherwise get into a release.
func (s source) export(ctx context.Context, dir string) (source, error) {
	packed := dir + ".tar"
	if _, err := output(ctx, s.root, nil, "git", "-c", "core.autocrlf=false", "-c", "core.eol=lf", "-c", "core.attributesFile=/dev/null",
		"archive", "--format=tar", "--output="+packed, s.commit); err != nil {
		return source{}, err
	}
	defer os.Remove(packed)
	content, err := os.ReadFile(packed)
	if err != nil {
		return source{}, err
	}
	members, err := readTar(bytes.NewReader(content))
	if err != nil {
		return source{}, err
	}
	for _, m := range members {
		file := filepath.Join(dir, filepath.FromSlash(m.name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return source{}, err
		}
		if err := os.WriteFile(file, m.content, 0o600); err != nil {
			return source{}, err
		}
	}
	s.root = dir
	return s, nil
}

// output runs a program with additional environment variables and returns what it prints, without the
// final newline.
func output(ctx context.Context, dir string, env []string, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // the programs of a release
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%w\n%s", err, exit.Stderr)
	}
	if err != nil {
		return "", fmt.Errorf("running %s %s: %w", program, strings.Join(args, " "), err)
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}
