package rowbucket_test

import (
	"crypto/md5"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/rowbucket"
)

const (
	azureURL     = "https://acme.blob.core.windows.net/rows/hub"
	azureKey     = "czNjcmV0LWtleQ=="
	azureSAS     = "?sv=2025-05-05&sr=c&sp=rcw&sig=s3cret-signature"
	azureBlobXY  = "acme.blob.core.windows.net/rows/hub/x/y"
	azureAccount = "acme"
)

// azureStorage answers as the Blob service does:
// https://learn.microsoft.com/rest/api/storageservices/specifying-conditional-headers-for-blob-service-operations
type azureStorage struct {
	mu      sync.Mutex
	blobs   map[string]string
	signIns int
	// authorized reports whether a request has the expected credentials.
	authorized func(actiontest.Recorded) bool
}

// refused is an error response, whose message quotes a secret.
func refused(status int, code string) actiontest.Reply {
	return actiontest.Reply{
		Status: status, Header: map[string]string{"x-ms-error-code": code},
		Body: "<Error><Code>" + code + "</Code><Message>s3cret</Message></Error>",
	}
}

func (s *azureStorage) serve(r actiontest.Recorded) actiontest.Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Host == "login.microsoftonline.com" {
		s.signIns++
		return actiontest.Reply{Header: map[string]string{"Content-Type": "application/json"}, Body: `{"access_token":"t0ken","token_type":"Bearer","expires_in":3599}`}
	}
	if !s.authorized(r) {
		return refused(http.StatusForbidden, "AuthenticationFailed")
	}
	path, _, _ := strings.Cut(r.Path, "?")
	name := r.Host + path
	body, found := s.blobs[name]
	etag := fmt.Sprintf(`"0x%X"`, md5.Sum([]byte(body)))
	if r.Method == http.MethodGet {
		if !found {
			return refused(http.StatusNotFound, "BlobNotFound")
		}
		return actiontest.Reply{Header: map[string]string{"ETag": etag}, Body: body}
	}
	match, noneMatch := r.Header.Get("If-Match"), r.Header.Get("If-None-Match")
	switch {
	case r.Method != http.MethodPut || r.Header.Get("x-ms-blob-type") != "BlockBlob" || r.Header.Get("x-ms-blob-content-type") != "text/plain":
		return refused(http.StatusBadRequest, "InvalidHeaderValue")
	case noneMatch == "*" && found:
		return refused(http.StatusConflict, "BlobAlreadyExists")
	case match != "" && (!found || match != etag):
		return refused(http.StatusPreconditionFailed, "ConditionNotMet")
	case match == "" && noneMatch == "":
		return refused(http.StatusBadRequest, "MissingRequiredHeader")
	}
	s.blobs[name] = string(r.Body)
	return actiontest.Reply{Status: http.StatusCreated, Header: map[string]string{"ETag": fmt.Sprintf(`"0x%X"`, md5.Sum(r.Body))}}
}

// A container of Azure Storage keeps objects by version, with each kind of credentials.
func TestAzure(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("pod's token"), 0o600); err != nil {
		t.Fatal(err)
	}
	header := func(prefix string) func(actiontest.Recorded) bool {
		return func(r actiontest.Recorded) bool { return strings.HasPrefix(r.Header.Get("Authorization"), prefix) }
	}
	for name, tt := range map[string]struct {
		env        map[string]string
		authorized func(actiontest.Recorded) bool
		signIns    int
	}{
		"an account key": {map[string]string{"ROWS_BUCKET_ACCOUNT_KEY": azureKey}, header("SharedKey " + azureAccount + ":"), 0},
		"a signature": {map[string]string{"ROWS_BUCKET_ACCOUNT_KEY": azureSAS}, func(r actiontest.Recorded) bool {
			return r.Query.Get("sig") == "s3cret-signature" && r.Header.Get("Authorization") == ""
		}, 0},
		"the pod's identity": {
			map[string]string{"AZURE_CLIENT_ID": "client", "AZURE_TENANT_ID": "tenant", "AZURE_FEDERATED_TOKEN_FILE": file},
			header("Bearer t0ken"), 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &azureStorage{blobs: map[string]string{}, authorized: tt.authorized}
			tt.env["ROWS_BUCKET"] = azureURL
			b, err := rowbucket.New(actiontest.Deps(t, actiontest.NewDestination(t).Handle(s.serve), tt.env))
			if err != nil {
				t.Fatal(err)
			}
			checkVersions(t, b)
			if got := s.blobs[azureBlobXY]; got != "three" {
				t.Errorf("blobs %v", s.blobs)
			}
			if got := b.URL("x/y"); got != azureURL+"/x/y" {
				t.Errorf("URL %q", got)
			}
			if s.signIns != tt.signIns {
				t.Errorf("%d sign-ins, want %d", s.signIns, tt.signIns)
			}
		})
	}
}

// Errors name the hub's setting, and never the credentials.
func TestAzureErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reply actiontest.Reply
		key   string
		kind  action.Kind
		want  string
	}{
		"a key that is refused": {
			refused(403, "AuthenticationFailed"), azureKey, action.Forbidden,
			"Azure Storage denied access. The hub's administrator must check ROWS_BUCKET_ACCOUNT_KEY and the firewall of the storage account.",
		},
		"a signature that is refused": {
			refused(403, "AuthorizationPermissionMismatch"), azureSAS, action.Forbidden,
			"Azure Storage denied access. The shared access signature needs to be valid and to allow reading, creating and writing blobs (sp=rcw) in the container of ROWS_BUCKET.",
		},
		"no container": {
			refused(404, "ContainerNotFound"), azureKey, action.NotFound,
			"The container of ROWS_BUCKET does not exist.",
		},
		"another error": {
			refused(400, "InvalidUri"), azureKey, action.Invalid,
			"Azure Storage returned 400 InvalidUri.",
		},
		"no version": {actiontest.Reply{Status: 201}, azureKey, action.Unavailable, "Unexpected response from Azure Storage."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(func(actiontest.Recorded) actiontest.Reply { return tt.reply })
			b, err := rowbucket.New(actiontest.Deps(t, d, map[string]string{"ROWS_BUCKET": azureURL, "ROWS_BUCKET_ACCOUNT_KEY": tt.key}))
			if err != nil {
				t.Fatal(err)
			}
			_, err = b.Put(t.Context(), "x", "text/plain", "", nil)
			if action.KindOf(err) != tt.kind || action.MessageOf(err) != tt.want || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), azureKey) {
				t.Errorf("error %v, message %q", err, action.MessageOf(err))
			}
		})
	}
}

func TestAzureSettings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env  map[string]string
		want string
	}{
		"no container":      {map[string]string{"ROWS_BUCKET": "https://acme.blob.core.windows.net"}, "must be the URL of a bucket"},
		"an invalid name":   {map[string]string{"ROWS_BUCKET": "https://acme.blob.core.windows.net/a--b"}, "must be the URL of a bucket"},
		"another service":   {map[string]string{"ROWS_BUCKET": "https://acme.queue.core.windows.net/rows"}, "must be the URL of a bucket"},
		"another host":      {map[string]string{"ROWS_BUCKET": "https://acme.blob.core.windows.net.example.com/rows"}, "must be the URL of a bucket"},
		"plain HTTP":        {map[string]string{"ROWS_BUCKET": "http://acme.blob.core.windows.net/rows"}, "must be the URL of a bucket"},
		"a signature in it": {map[string]string{"ROWS_BUCKET": azureURL + azureSAS}, "must be the URL of a bucket"},
		"no credentials":    {map[string]string{"ROWS_BUCKET": azureURL}, "ROWS_BUCKET_ACCOUNT_KEY"},
		"a wrong key":       {map[string]string{"ROWS_BUCKET": azureURL, "ROWS_BUCKET_ACCOUNT_KEY": "s3cret!"}, "must be an account key or a shared access signature"},
		"an endpoint": {
			map[string]string{"ROWS_BUCKET": azureURL, "ROWS_BUCKET_ACCOUNT_KEY": azureKey, "ROWS_BUCKET_ENDPOINT": "azurite:10000"},
			`ROWS_BUCKET_ENDPOINT is "azurite:10000", but must be a URL`,
		},
	} {
		_, err := rowbucket.New(actiontest.Deps(t, nil, tt.env))
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
	}
	d := actiontest.NewDestination(t).Handle(func(actiontest.Recorded) actiontest.Reply {
		return refused(404, "BlobNotFound")
	})
	b, err := rowbucket.New(actiontest.Deps(t, d, map[string]string{
		"ROWS_BUCKET": "https://acme.z12.blob.storage.azure.net/rows", "ROWS_BUCKET_ACCOUNT_KEY": azureKey,
	}))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Get(t.Context(), "x", 1); !errors.Is(err, rowbucket.ErrAbsent) {
		t.Errorf("an account with a DNS zone: %v", err)
	}
}
