package config_test

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The pods set no user, so the images do. The user is a number: the kubelet cannot check runAsNonRoot
// against a name.
func TestImagesHaveANumericUser(t *testing.T) {
	t.Parallel()
	numeric := regexp.MustCompile(`^[1-9][0-9]*:[1-9][0-9]*$`)
	text, err := os.ReadFile(filepath.Join("..", "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	stages := strings.Split(string(text), "\nFROM scratch AS ")[1:]
	for _, stage := range stages {
		user := regexp.MustCompile(`(?m)^USER (.*)$`).FindStringSubmatch(stage)
		if user == nil || !numeric.MatchString(user[1]) {
			t.Errorf("Dockerfile: the user of %s is %q, want numbers", strings.Fields(stage)[0], user)
		}
	}
	if len(stages) != 2 {
		t.Errorf("the Dockerfile has %d images, want 2", len(stages))
	}

	archive := filepath.Join(t.TempDir(), "image.tar")
	cmd := exec.CommandContext(t.Context(), "go", "run", ".", "-name", "example.com/x:v1", "-o", archive, filepath.Join("..", "..", "lib.sh"), "/x")
	cmd.Dir = filepath.Join("local", "tools", "image")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if user := imageUser(t, archive); !numeric.MatchString(user) {
		t.Errorf("config/local/tools/image: the user is %q, want numbers", user)
	}
}

// imageUser reads the user from the configuration in an OCI image archive.
func imageUser(t *testing.T, archive string) string {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for files := tar.NewReader(f); ; {
		if _, err := files.Next(); errors.Is(err, io.EOF) {
			return ""
		} else if err != nil {
			t.Fatal(err)
		}
		var config struct{ Config struct{ User string } }
		if json.NewDecoder(files).Decode(&config) == nil && config.Config.User != "" {
			return config.Config.User
		}
	}
}
