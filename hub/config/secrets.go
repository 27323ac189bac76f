package config

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/token"
)

// Secrets are the service secrets from which Looker's tokens are derived. Several can be valid at
// once, so that no request fails during a rotation.
type Secrets struct {
	fixed []byte
	files []string
	all   atomic.Pointer[[][]byte]
}

// ErrNoSecret means that no service secret is configured.
var ErrNoSecret = errors.New("no service secret: set ACTION_HUB_SECRET or ACTION_HUB_SECRET_FILES")

// LoadSecrets reads the service secrets.
func LoadSecrets(fixed action.Secret, files []string) (*Secrets, error) {
	s := &Secrets{fixed: []byte(fixed.Reveal()), files: files}
	return s, s.Reload()
}

// All returns the secrets, the current one first.
func (s *Secrets) All() [][]byte { return *s.all.Load() }

// Reload reads the files again. If that fails or leaves no secret, the previous secrets stay valid.
func (s *Secrets) Reload() error {
	var all [][]byte
	if len(s.fixed) > 0 {
		all = append(all, s.fixed)
	}
	for _, name := range s.files {
		b, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("reading a service secret: %w", err)
		}
		if b = token.Secret(b); len(b) == 0 {
			continue
		}
		if err := token.Check(string(b)); err != nil {
			return fmt.Errorf("reading a service secret: %s: %w", filepath.Base(name), err)
		}
		all = append(all, b)
	}
	if len(all) == 0 {
		return ErrNoSecret
	}
	s.all.Store(&all)
	return nil
}

// LogValue keeps the secrets out of logs.
func (s *Secrets) LogValue() slog.Value { return slog.IntValue(len(s.All())) }
