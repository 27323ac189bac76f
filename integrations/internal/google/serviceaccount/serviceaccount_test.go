package serviceaccount_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/google/serviceaccount"
)

const email = "hub@p.iam.gserviceaccount.com"

func keyPEM(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func newRSA(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return keyPEM(t, key)
}

func keyFile(t *testing.T, key string) string {
	t.Helper()
	b, err := json.Marshal(map[string]string{"type": "service_account", "client_email": email, "private_key": key})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A key or key file is read however it was pasted. A file's address takes precedence.
func TestNew(t *testing.T) {
	t.Parallel()
	key := newRSA(t)
	file := keyFile(t, key)
	for name, tt := range map[string]struct{ email, key, want string }{
		"a key":                    {" " + email + " ", key, email},
		"a key, line breaks lost":  {email, strings.ReplaceAll(key, "\n", ""), email},
		"a key, lines with spaces": {email, strings.ReplaceAll(key, "\n", " "), email},
		`a key with \n`:            {email, strings.ReplaceAll(key, "\n", `\n`), email},
		"a key in quotes":          {email, `"` + strings.ReplaceAll(key, "\n", `\n`) + `"`, email},
		"a file":                   {"other@example.com", file, email},
		"a file in base64":         {"", base64.StdEncoding.EncodeToString([]byte(file)), email},
		"a file in quotes":         {"", "'" + file + "'", email},
		"a file in Python":         {"", strings.ReplaceAll(file, `"`, "'"), email},
	} {
		account, err := serviceaccount.New(tt.email, action.Secret(tt.key))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if account.Email != tt.want {
			t.Errorf("%s: address %q, want %q", name, account.Email, tt.want)
		}
	}
}

func TestNewErrors(t *testing.T) {
	t.Parallel()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ key, want string }{
		"nothing":             {"", "it is not a PEM block"},
		"a user's file":       {`{"type": "authorized_user", "refresh_token": "s3cret"}`, "it is not the key file of a service account"},
		"a file without key":  {`{"client_email": "a@example.com"}`, "it is not the key file of a service account"},
		"an elliptic curve":   {keyPEM(t, ec), "it is not an RSA private key"},
		"with a passphrase":   {"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----", "it has a passphrase. The private keys of service accounts have none"},
		"the key's ID":        {strings.Repeat("0123456789", 4), "it is the key's ID. Enter the key itself, which begins with -----BEGIN PRIVATE KEY-----"},
		"last line missing":   {strings.Split(newRSA(t), "-----END")[0], "it is not a PEM block: its last line, which begins with -----END, is missing"},
		"a file with part of": {keyFile(t, "-----BEGIN PRIVATE KEY-----\nAAAA"), "it is not a PEM block: its last line, which begins with -----END, is missing"},
	} {
		if _, err := serviceaccount.New(email, action.Secret(tt.key)); err == nil || err.Error() != tt.want {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
	}
}

// A retry waits as long as the response says.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Status: http.StatusServiceUnavailable, Header: map[string]string{"Retry-After": "40"}})
	account, err := serviceaccount.New(email, action.Secret(newRSA(t)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = account.Tokens(t.Context(), actiontest.Deps(t, d, nil).HTTP, "scope").Token()
	err = serviceaccount.Explain(t.Context(), err, "Refused.")
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok || status.RetryAfter != 40*time.Second || action.KindOf(err) != action.Unavailable {
		t.Errorf("error %v", err)
	}
}
