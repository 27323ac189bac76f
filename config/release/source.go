package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// source is the checkout that a release is built from.
type source struct {
	root   string
	commit string
	// time is the commit's, and that of every file in a release.
	time time.Time
}

// readSource refuses a checkout with changes: the same release could not be built from its commit.
func readSource(ctx context.Context, root string) (source, error) {
	status, err := output(ctx, root, nil, "git", "status", "--porcelain")
	if err != nil {
		return source{}, err
	}
	if status != "" {
		return source{}, errors.New("the checkout has changes that are not committed:\n" + status)
	}
	log, err := output(ctx, root, nil, "git", "log", "-1", "--format=%H %ct")
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
