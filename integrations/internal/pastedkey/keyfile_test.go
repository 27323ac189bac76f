package pastedkey_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/integrations/internal/pastedkey"
)

// What becomes of a service account's key file between the download and the hub.
func TestParseKeyFile(t *testing.T) {
	t.Parallel()
	key := keys(t)["RSA PKCS #8"]
	file, err := json.MarshalIndent(map[string]string{
		"type": "service_account", "project_id": "p", "private_key_id": "0123", "private_key": key, "client_email": "hub@p.iam.gserviceaccount.com",
		"client_x509_cert_url": "https://www.googleapis.com/robot/v1/metadata/x509/hub",
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text := string(file)
	escaped := strings.ReplaceAll(key, "\n", `\n`)
	for name, pasted := range map[string]string{
		"as it is":                text,
		"on one line":             strings.ReplaceAll(text, "\n", " "),
		"byte order mark":         "\ufeff" + text,
		"CRLF":                    strings.ReplaceAll(text, "\n", "\r\n"),
		"single quotes around":    "'" + text + "'",
		"JSON string":             quoted(t, text),
		"JSON string, twice":      quoted(t, quoted(t, text)),
		"escaped quotes":          strings.ReplaceAll(text, `"`, `\"`),
		"base64":                  base64.StdEncoding.EncodeToString(file),
		"base64 in quotes":        `"` + base64.StdEncoding.EncodeToString(file) + `"`,
		"base64 of 76 characters": wrap(base64.StdEncoding.EncodeToString(file), 76),
		"line breaks in the key":  strings.ReplaceAll(text, escaped, key),
		"a comma at the end":      strings.Replace(text, "\n}", ",\n}", 1),
		"Python":                  "{'type': 'service_account', 'universe': None, 'private_key': '" + escaped + "', 'client_email': 'hub@p.iam.gserviceaccount.com'}",
		"Python, bytes":           "{'type': 'service_account', 'private_key': b'" + escaped + "', 'client_email': 'hub@p.iam.gserviceaccount.com'}",
		"no-break spaces":         strings.ReplaceAll(text, "  ", "\u00a0\u00a0"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := pastedkey.ParseKeyFile(pasted)
			if !ok || got.Email != "hub@p.iam.gserviceaccount.com" {
				t.Errorf("the email address is %q (%v)", got.Email, ok)
			}
			pem, err := pastedkey.PEM(got.Key)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(fingerprint(t, []byte(key)), fingerprint(t, pem)); diff != "" {
				t.Errorf("fingerprint (-want +got):\n%s", diff)
			}
		})
	}
}

// Other text is no key file; the file of other credentials is one without the members.
func TestParseKeyFileOther(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		want bool
	}{
		"nothing":             {"", false},
		"a key":               {keys(t)["RSA PKCS #8"], false},
		"nonsense":            {"s3cret", false},
		"an object":           {`{}`, true},
		"a user's":            {`{"type": "authorized_user", "client_id": "x"}`, true},
		"an object, cut":      {`{"type": "service_account"`, true},
		"a number as address": {`{"client_email": 1}`, true},
	} {
		got, ok := pastedkey.ParseKeyFile(tt.text)
		if ok != tt.want {
			t.Errorf("%s: a key file: %v, want %v", name, ok, tt.want)
		}
		if diff := cmp.Diff(pastedkey.KeyFile{}, got); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", name, diff)
		}
	}
}
