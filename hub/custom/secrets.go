package custom

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/hub/action"
)

// maxSecret is the maximum size of a secret in bytes.
const maxSecret = 64 << 10

// readSecrets reads the hub's secrets. They are read for each delivery, so that a rotation needs no restart.
func (i *Integration) readSecrets() (map[string]string, error) {
	secrets := map[string]string{}
	for _, s := range i.spec.Secrets {
		value, err := readSecret(i.options.SecretsDir, s.SecretKeyRef)
		if err != nil {
			return nil, action.Wrap(err, action.Unauthenticated, "The hub's secret %s of this integration is not available. Ask the hub's administrator.", s.Name)
		}
		secrets[string(s.Name)] = value
	}
	return secrets, nil
}

// readSecret reads a file. The folder is opened as a root, so that neither a name nor a link leads out of it.
func readSecret(folder string, ref httpintegration.SecretKeyRef) (string, error) {
	if folder == "" {
		return "", errors.New("ACTION_HUB_INTEGRATION_SECRETS_DIR is not set")
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return "", errors.New("the folder ACTION_HUB_INTEGRATION_SECRETS_DIR cannot be opened")
	}
	defer root.Close()
	file, err := root.Open(filepath.Join(ref.Name, ref.Key))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("key %s of Secret %s does not exist", ref.Key, ref.Name)
	case err != nil:
		return "", fmt.Errorf("key %s of Secret %s cannot be read", ref.Key, ref.Name)
	}
	defer file.Close()
	value, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("key %s of Secret %s cannot be read", ref.Key, ref.Name)
	case len(value) > maxSecret:
		return "", fmt.Errorf("key %s of Secret %s has more than %d bytes", ref.Key, ref.Name, maxSecret)
	}
	return strings.TrimRight(string(value), "\r\n"), nil
}

// missingSecrets names the hub's secrets that are not there.
func (i *Integration) missingSecrets() []string {
	var missing []string
	for _, s := range i.spec.Secrets {
		if _, err := readSecret(i.options.SecretsDir, s.SecretKeyRef); err != nil {
			missing = append(missing, err.Error())
		}
	}
	return missing
}
