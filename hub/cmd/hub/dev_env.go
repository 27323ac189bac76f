package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// devEnvFile sets the environment of commands that call a development hub. Its own copy lies
// beside the certificate; the shared one, where hub env finds it, is that of the hub that was
// started last.
type devEnvFile struct {
	own, shared string
	content     []byte
}

// writeDevEnv writes both. Where there is no home folder, there is no shared one.
func writeDevEnv(env map[string]string, folder string, variables [][2]string) (*devEnvFile, error) {
	var b bytes.Buffer
	for _, v := range variables {
		fmt.Fprintf(&b, "export %s=%s\n", v[0], shellQuote(v[1]))
	}
	f := &devEnvFile{own: filepath.Join(folder, "env"), content: b.Bytes()}
	if err := os.WriteFile(f.own, f.content, 0o600); err != nil {
		return nil, fmt.Errorf("writing the environment for other terminals: %w", err)
	}
	f.share(sharedDevEnv(env))
	return f, nil
}

// share writes the shared file where it can be written. It is renamed into place, so that
// nobody reads half of it, and no link is followed.
func (f *devEnvFile) share(file string) {
	if file == "" || os.MkdirAll(filepath.Dir(file), 0o700) != nil {
		return
	}
	staged := file + "." + filepath.Base(filepath.Dir(f.own))
	if os.WriteFile(staged, f.content, 0o600) == nil && os.Rename(staged, file) == nil {
		f.shared = file
	}
}

// remove takes the shared file away, unless another hub has written it since.
func (f *devEnvFile) remove() {
	if now, err := os.ReadFile(f.shared); err == nil && bytes.Equal(now, f.content) {
		_ = os.Remove(f.shared)
	}
}

// sharedDevEnv is in the user's cache folder, or "" where there is none.
func sharedDevEnv(env map[string]string) string {
	cache := env["XDG_CACHE_HOME"]
	if cache == "" && env["HOME"] != "" {
		cache = filepath.Join(env["HOME"], ".cache")
	}
	if !filepath.IsAbs(cache) {
		return ""
	}
	return filepath.Join(cache, "integration-hub", "dev.env")
}

// newEnv prints how to set the environment for a development hub.
func newEnv(env map[string]string) *cobra.Command {
	return &cobra.Command{
		Use:     "env",
		Short:   "Print environment variables for a hub started with hub serve --dev",
		Example: "  eval \"$(hub env)\"",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			file := sharedDevEnv(env)
			if file == "" {
				return errors.New("no home directory: copy the command that hub serve --dev prints")
			}
			content, err := os.ReadFile(file)
			if errors.Is(err, fs.ErrNotExist) {
				return errors.New("no development hub is running: start one with hub serve --dev")
			}
			if err != nil {
				return fmt.Errorf("reading the environment: %w", err)
			}
			_, err = cmd.OutOrStdout().Write(content)
			return err
		},
	}
}
