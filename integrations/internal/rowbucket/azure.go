package rowbucket

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/microsoft/workloadid"
	"integrationhub.dev/integrations/internal/objectstore"
)

const azureName = "Azure Storage"

// azureRetry is for all requests: a repeated write fails if the first one took effect, because its condition does not
// hold any more. The caller then takes the object for changed by another, which is safe.
var azureRetry = deliver.Retry{MaxAttempts: 4, InitialBackoff: time.Second, MaxBackoff: 16 * time.Second}

// azure is a container of Azure Storage. The version of a blob is its ETag:
// https://learn.microsoft.com/rest/api/storageservices/specifying-conditional-headers-for-blob-service-operations
type azure struct {
	location

	deps action.Deps
	// service is the URL of the blob service.
	service string
	// key and signature are an account key and a shared access signature. Without both, token is that of the pod's
	// identity.
	key       *blob.SharedKeyCredential
	signature string
	token     azcore.TokenCredential
}

func newAzure(deps action.Deps, s settings) (*azure, error) {
	b := &azure{location: s.Bucket, deps: deps, service: "https://" + s.Bucket.bucket}
	if s.Endpoint != "" {
		var err error
		if b.service, err = objectstore.ParseEndpoint(s.Endpoint, "", "https://storage.example.com/account"); err != nil {
			return nil, invalid("ROWS_BUCKET_ENDPOINT", s.Endpoint, err)
		}
	}
	account, _, _ := strings.Cut(s.Bucket.bucket, ".")
	secret := strings.TrimPrefix(strings.TrimSpace(s.AccountKey.Reveal()), "?")
	query, err := url.ParseQuery(secret)
	switch {
	case secret == "":
		pod, err := action.Settings[workloadid.Pod](deps)
		if err != nil {
			return nil, err
		}
		if len(pod.Missing()) > 0 {
			return nil, &action.MissingSettingsError{Keys: []string{"ROWS_BUCKET_ACCOUNT_KEY"}}
		}
		b.token = &cachedToken{credential: workloadid.Credential{Pod: pod, HTTP: deps.HTTP, Retry: azureRetry}}
	case err == nil && query.Get("sig") != "":
		b.signature = secret
	case !isBase64(secret):
		return nil, invalid("ROWS_BUCKET_ACCOUNT_KEY", "(secret)", errors.New("must be an account key or a shared access signature"))
	default:
		if b.key, err = blob.NewSharedKeyCredential(account, secret); err != nil {
			return nil, errors.New("preparing the account key of ROWS_BUCKET_ACCOUNT_KEY failed")
		}
	}
	return b, nil
}

func isBase64(text string) bool {
	_, err := base64.StdEncoding.DecodeString(text)
	return err == nil
}

// client returns a client of one blob. The SDK's packages for accounts and containers are large.
func (b *azure) client(name string) (*blockblob.Client, error) {
	o := &blockblob.ClientOptions{ClientOptions: azcore.ClientOptions{
		Transport: objectstore.Client{HTTP: b.deps.HTTP}, Telemetry: policy.TelemetryOptions{Disabled: true},
		Retry: policy.RetryOptions{MaxRetries: -1}, // azureRetry does it
		// The administrator's own choice.
		InsecureAllowCredentialWithHTTP: strings.HasPrefix(b.service, "http:"),
	}}
	address := b.service + outbound.Path(append([]string{b.container}, strings.Split(b.prefix+name, "/")...)...)
	var client *blockblob.Client
	var err error
	switch {
	case b.signature != "":
		client, err = blockblob.NewClientWithNoCredential(address+"?"+b.signature, o)
	case b.key != nil:
		client, err = blockblob.NewClientWithSharedKeyCredential(address, b.key, o)
	default:
		client, err = blockblob.NewClient(address, b.token, o)
	}
	if err != nil { // its text can have the signature
		return nil, errors.New("preparing a request to Azure Storage failed")
	}
	return client, nil
}

// Get implements [Bucket]: https://learn.microsoft.com/rest/api/storageservices/get-blob
func (b *azure) Get(ctx context.Context, name string, maxBytes int64) (body []byte, v Version, err error) {
	err = azureRetry.Do(ctx, func(ctx context.Context) error {
		body, v, err = b.get(ctx, name, maxBytes)
		return err
	})
	return body, v, err
}

func (b *azure) get(ctx context.Context, name string, maxBytes int64) ([]byte, Version, error) {
	client, err := b.client(name)
	if err != nil {
		return nil, "", err
	}
	out, err := client.DownloadStream(ctx, nil)
	if err != nil {
		return nil, "", b.explain(ctx, "reading a blob", err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(io.LimitReader(out.Body, maxBytes+1))
	switch {
	case err != nil:
		return nil, "", outbound.ConnectionError(ctx, err, azureName)
	case int64(len(body)) > maxBytes:
		return nil, "", action.Errorf(action.TooLarge, "The object is larger than %d bytes.", maxBytes)
	case out.ETag == nil || *out.ETag == "":
		return nil, "", action.Errorf(action.Unavailable, "Unexpected response from %s.", azureName)
	}
	return body, Version(*out.ETag), nil
}

// Put implements [Bucket]: https://learn.microsoft.com/rest/api/storageservices/put-blob
func (b *azure) Put(ctx context.Context, name, contentType string, match Version, body []byte) (v Version, err error) {
	err = azureRetry.Do(ctx, func(ctx context.Context) error {
		v, err = b.put(ctx, name, contentType, match, body)
		return err
	})
	return v, err
}

func (b *azure) put(ctx context.Context, name, contentType string, match Version, body []byte) (Version, error) {
	client, err := b.client(name)
	if err != nil {
		return "", err
	}
	condition := &blob.ModifiedAccessConditions{IfNoneMatch: to.Ptr(azcore.ETagAny)}
	if match != "" {
		condition = &blob.ModifiedAccessConditions{IfMatch: new(azcore.ETag(match))}
	}
	out, err := client.Upload(ctx, streaming.NopCloser(bytes.NewReader(body)), &blockblob.UploadOptions{
		HTTPHeaders: &blob.HTTPHeaders{BlobContentType: &contentType}, AccessConditions: &blob.AccessConditions{ModifiedAccessConditions: condition},
	})
	switch {
	case err != nil:
		err = b.explain(ctx, "writing a blob", err)
		if match != "" && errors.Is(err, ErrAbsent) {
			err = ErrChanged
		}
		return "", err
	case out.ETag == nil || *out.ETag == "":
		return "", action.Errorf(action.Unavailable, "Unexpected response from %s.", azureName)
	}
	return Version(*out.ETag), nil
}

// explain converts the SDK's error. Its text is dropped, because it quotes the URL, which can contain a signature.
// https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
func (b *azure) explain(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	}
	if e, ok := errors.AsType[*action.Error](err); ok {
		return e // of the pod's identity
	}
	res, ok := errors.AsType[*azcore.ResponseError](err)
	if !ok {
		return fmt.Errorf("%s: %w", doing, outbound.ConnectionError(ctx, err, azureName))
	}
	switch res.ErrorCode {
	case "BlobNotFound":
		return ErrAbsent
	case "ConditionNotMet", "BlobAlreadyExists":
		return ErrChanged
	}
	code := objectstore.ErrorCode(res.ErrorCode)
	detail := fmt.Errorf("%s: code %q: %w", doing, code, outbound.StatusOf(res.RawResponse))
	switch {
	case code == "ContainerNotFound":
		return action.Wrap(detail, action.NotFound, "The container of ROWS_BUCKET does not exist.")
	case res.StatusCode == http.StatusUnauthorized, res.StatusCode == http.StatusForbidden:
		return action.Wrap(detail, action.Forbidden, "Azure Storage denied access. %s", b.needs())
	}
	return objectstore.StatusError(detail, azureName, res.StatusCode, code)
}

// needs says which permissions the credentials need.
func (b *azure) needs() string {
	switch {
	case b.key != nil:
		return "The hub's administrator must check ROWS_BUCKET_ACCOUNT_KEY and the firewall of the storage account."
	case b.signature != "":
		return "The shared access signature needs to be valid and to allow reading, creating and writing blobs (sp=rcw) in the container of ROWS_BUCKET."
	}
	return "The hub's identity needs the role Storage Blob Data Contributor on the container of ROWS_BUCKET."
}

// URL implements [Bucket].
func (b *azure) URL(name string) string { return b.url(name) }
