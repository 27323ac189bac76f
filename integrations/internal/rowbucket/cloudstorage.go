package rowbucket

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/google/hubidentity"
	"integrationhub.dev/integrations/internal/google/serviceaccount"
)

// cloudStorage is a bucket of Google Cloud Storage. The version of an object is its generation:
// https://cloud.google.com/storage/docs/request-preconditions
type cloudStorage struct {
	location

	deps action.Deps
	// file has the credentials. Empty means the pod's identity.
	file string
}

const (
	cloudStorageName = "Google Cloud Storage"
	cloudStorageBase = "https://storage.googleapis.com"
	// https://cloud.google.com/storage/docs/oauth-scopes
	cloudStorageScope = "https://www.googleapis.com/auth/devstorage.read_write"

	cloudStorageRefused = "Google rejected the hub's credentials for the bucket of ROWS_BUCKET. The hub's administrator must check them."
)

// cloudStorageTimeout limits one request, with up to 32 MiB.
const cloudStorageTimeout = 2 * time.Minute

// cloudStorageRetry follows https://cloud.google.com/storage/docs/retry-strategy: requests with a
// precondition on the generation can be repeated.
var cloudStorageRetry = deliver.Retry{MaxAttempts: 4, InitialBackoff: time.Second, MaxBackoff: 16 * time.Second}

func (b *cloudStorage) api(ctx context.Context) (outbound.API, error) {
	var (
		tokens oauth2.TokenSource
		err    error
	)
	if b.file == "" {
		tokens = hubidentity.Pod(ctx, b.deps.Identity, cloudStorageScope)
	} else if tokens, err = hubidentity.File(ctx, b.deps.HTTP, b.file, cloudStorageScope, cloudStorageRefused); err != nil {
		return outbound.API{}, err
	}
	token, err := tokens.Token()
	if err != nil {
		return outbound.API{}, serviceaccount.Explain(ctx, err, b.refused())
	}
	return outbound.API{
		Name: cloudStorageName, Base: cloudStorageBase, Client: b.deps.HTTP, Timeout: cloudStorageTimeout, Authorize: token.SetAuthHeader,
	}, nil
}

// refused is the message if Google rejects the credentials.
func (b *cloudStorage) refused() string {
	if b.file == "" {
		return hubidentity.PodRefused
	}
	return cloudStorageRefused
}

// Get implements [Bucket]: https://cloud.google.com/storage/docs/json_api/v1/objects/get
func (b *cloudStorage) Get(ctx context.Context, name string, maxBytes int64) (body []byte, v Version, err error) {
	err = cloudStorageRetry.Do(ctx, func(ctx context.Context) error {
		body, v, err = b.get(ctx, name, maxBytes)
		return err
	})
	if status, ok := errors.AsType[*outbound.StatusError](err); ok && status.Code == http.StatusNotFound {
		err = ErrAbsent
	}
	return body, v, err
}

func (b *cloudStorage) get(ctx context.Context, name string, maxBytes int64) ([]byte, Version, error) {
	api, err := b.api(ctx)
	if err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithTimeout(ctx, api.Timeout)
	defer cancel()
	address := api.Base + outbound.WithQuery(outbound.Path("storage", "v1", "b", b.bucket, "o", b.prefix+name), url.Values{"alt": {"media"}})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, "", fmt.Errorf("preparing a request to %s: %w", api.Name, err)
	}
	api.Authorize(req)
	res, err := outbound.Do(api.Client, req, api.Name)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBytes+1))
	switch {
	case err != nil:
		return nil, "", outbound.ConnectionError(ctx, err, api.Name)
	case int64(len(body)) > maxBytes:
		return nil, "", action.Errorf(action.TooLarge, "The object is larger than %d bytes.", maxBytes)
	}
	return body, Version(res.Header.Get("X-Goog-Generation")), nil
}

// Put implements [Bucket]: https://cloud.google.com/storage/docs/json_api/v1/objects/insert
func (b *cloudStorage) Put(ctx context.Context, name, contentType string, match Version, body []byte) (Version, error) {
	path := outbound.WithQuery(outbound.Path("upload", "storage", "v1", "b", b.bucket, "o"), url.Values{
		"uploadType": {"media"}, "name": {b.prefix + name}, "fields": {"generation"}, "ifGenerationMatch": {cmp.Or(string(match), "0")},
	})
	var made struct {
		Generation string `json:"generation"`
	}
	err := cloudStorageRetry.Do(ctx, func(ctx context.Context) error {
		api, err := b.api(ctx)
		if err != nil {
			return err
		}
		return api.Call(ctx, http.MethodPost, path, outbound.Bytes(contentType, body), &made)
	})
	if status, ok := errors.AsType[*outbound.StatusError](err); ok && status.Code == http.StatusPreconditionFailed {
		err = ErrChanged
	}
	return Version(made.Generation), err
}

// URL implements [Bucket].
func (b *cloudStorage) URL(name string) string { return b.url(name) }
