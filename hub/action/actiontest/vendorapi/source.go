package vendorapi

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	_ "google.golang.org/api/googleapi" // so that go.mod has the module, whose discovery documents are read
)

// errAbsent means that this machine does not have a description.
var errAbsent = errors.New("the vendors' descriptions are not on this machine")

// shared reads a description that no module ships. Those are not part of the repository: they lie in
// the folder that VENDOR_APIS names, or in shared/vendor-apis beside a folder above the module.
func shared(name string) ([]byte, error) {
	folder := sharedFolder()
	if folder == "" {
		return nil, errAbsent
	}
	text, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errAbsent
	}
	if err != nil {
		return nil, fmt.Errorf("reading a vendor's description: %w", err)
	}
	return text, nil
}

// sharedFiles reads the files of a subfolder by their extension.
func sharedFiles(folder, extension string) (map[string][]byte, error) {
	if sharedFolder() == "" {
		return nil, errAbsent
	}
	entries, err := os.ReadDir(filepath.Join(sharedFolder(), folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errAbsent
	}
	if err != nil {
		return nil, fmt.Errorf("reading a vendor's description: %w", err)
	}
	files := map[string][]byte{}
	for _, e := range entries {
		if filepath.Ext(e.Name()) != extension {
			continue
		}
		if files[e.Name()], err = shared(folder + "/" + e.Name()); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// EnvFolder is the environment variable of the folder with the vendors' descriptions.
const EnvFolder = "VENDOR_APIS"

var sharedFolder = sync.OnceValue(func() string {
	if folder := os.Getenv(EnvFolder); folder != "" {
		return folder
	}
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		folder := filepath.Join(dir, "shared", "vendor-apis")
		if info, err := os.Stat(folder); err == nil && info.IsDir() {
			return folder
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
})

// discovery reads a discovery document of Google's from the module that has the clients generated
// from it.
func discovery(name string) ([]byte, error) {
	folder, err := googleModule()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
	if err != nil {
		return nil, fmt.Errorf("reading a discovery document: %w", err)
	}
	return text, nil
}

var googleModule = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "google.golang.org/api").Output()
	if err != nil {
		return "", fmt.Errorf("finding the module google.golang.org/api: %w", err)
	}
	folder := strings.TrimSpace(string(out))
	if folder == "" {
		return "", errors.New("the module google.golang.org/api is not in the module cache")
	}
	return folder, nil
})
