package outbound

import (
	"errors"
	"net/http"
	"testing"
)

func TestIdentityServices(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"169.254.169.254:80":          true,
		"169.254.170.23:80":           true,
		"[fd00:ec2::23]:80":           true,
		"169.254.169.254:8080":        false,
		"169.254.169.253:80":          false,
		"169.254.170.2:80":            false,
		"[fd00:ec2::254]:80":          false,
		"[::ffff:169.254.169.254]:80": false,
		"127.0.0.1:80":                false,
		"93.184.216.34:80":            false,
		"metadata.google.internal:80": false,
		"169.254.169.254":             false,
	} {
		if err := identityService(t.Context(), "tcp", address, nil); (err == nil) != want || err != nil && !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// The client dials nothing else, and no name.
func TestIdentityClient(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"http://127.0.0.1:1/", "http://localhost/", "http://metadata.google.internal/", "https://169.254.169.254/"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := NewIdentityClient().Do(req)
		if err == nil {
			_ = res.Body.Close()
		}
		if !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("%s: %v", address, err)
		}
	}
}
