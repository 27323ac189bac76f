package azurestorage

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // see sum
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
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

// retries is how often a request is retried. Every request here can be repeated, because its body is a
// buffer and its effect is the same.
const retries = 4

// client makes a client with the credentials of one delivery. path is a blob's, escaped, or the query of the account.
//
// The SDK's packages for accounts and containers are not used, because they bring Apache Arrow, a tenth of the hub's program.
func (i *Integration) client(a account, shouldRetry func(*http.Response, error) bool, path ...string) (*blockblob.Client, error) {
	o := &blockblob.ClientOptions{ClientOptions: azcore.ClientOptions{
		Transport: objectstore.Client{HTTP: i.deps.HTTP},
		Retry: policy.RetryOptions{
			MaxRetries: retries, RetryDelay: i.initialBackoff, MaxRetryDelay: i.maxBackoff, ShouldRetry: shouldRetry,
		},
		Telemetry:       policy.TelemetryOptions{Disabled: true},
		PerCallPolicies: []policy.Policy{acceptXML{}},
	}}
	if a.isEmpty() && !i.settings.PodIdentity {
		return nil, action.Errorf(action.Invalid, `"accessKey" is required.`)
	}
	address, err := i.address(a)
	if err != nil {
		return nil, err
	}
	if a.signature != "" {
		c, err := blockblob.NewClientWithNoCredential(runtime.JoinPaths(address+"?"+a.signature, path...), o)
		return c, clientError(err)
	}
	address = runtime.JoinPaths(address, path...)
	if strings.HasPrefix(address, "http:") {
		o.InsecureAllowCredentialWithHTTP = true // the administrator's own choice
	}
	if a.isEmpty() {
		retry := deliver.Retry{MaxAttempts: retries + 1, InitialBackoff: i.initialBackoff, MaxBackoff: i.maxBackoff}
		c, err := blockblob.NewClient(address, workloadid.Credential{Pod: i.pod, HTTP: i.deps.HTTP, Retry: retry}, o)
		return c, clientError(err)
	}
	key, err := blob.NewSharedKeyCredential(string(a.name), a.key)
	if err != nil {
		return nil, clientError(err)
	}
	c, err := blockblob.NewClientWithSharedKeyCredential(address, key, o)
	return c, clientError(err)
}

// acceptXML is the header of all requests but that for a blob's content, which is not read here.
type acceptXML struct{}

// Do implements [policy.Policy].
func (acceptXML) Do(req *policy.Request) (*http.Response, error) {
	req.Raw().Header.Set("Accept", "application/xml")
	return req.Next()
}

// address returns the URL of the account's blob service.
func (i *Integration) address(a account) (string, error) {
	switch {
	case i.settings.Endpoint != "": // the administrator's choice, whatever a connection string contains
		return strings.ReplaceAll(string(i.settings.Endpoint), "{account}", string(a.name)), nil
	case a.endpoint == unknownEndpoint:
		return "", action.Errorf(action.Invalid, "The connection string's BlobEndpoint is not an address of Azure Storage. The hub's "+
			"administrator can set AZURE_STORAGE_ENDPOINT for it.")
	case a.endpoint != "" && (!a.isEmpty() || strings.HasSuffix(a.endpoint, publicZone)): // another cloud must not get the hub's token
		return a.endpoint, nil
	}
	return "https://" + string(a.name) + ".blob.core.windows.net", nil
}

// clientError replaces the SDK's error, which can quote the URL and its signature. The message is the
// reference's.
func clientError(err error) error {
	if err == nil {
		return nil
	}
	return action.Errorf(action.Invalid, "Error making Azure client. Storage Account and Access Key settings may be incorrect")
}

// isTemporary reports whether a request can succeed if it is repeated.
func isTemporary(res *http.Response, err error) bool {
	if err != nil {
		return !errors.Is(err, outbound.ErrForbiddenAddress)
	}
	return action.KindOfStatus(res.StatusCode).Retryable() && res.StatusCode >= http.StatusBadRequest
}

var _ objectstore.Object = (*newBlob)(nil)

// newBlob is a blob that is being written. Its blocks are not visible until they are committed. Azure
// removes the blocks of a failed upload after a week.
// https://learn.microsoft.com/rest/api/storageservices/put-block
type newBlob struct {
	credentials credentials

	client  *blockblob.Client
	headers *blob.HTTPHeaders
	// conditions protect an existing blob that must not be replaced.
	conditions *blob.AccessConditions
	// upload distinguishes this upload's blocks from those of another upload to the same blob.
	upload string
	// inDoubt is set when a response was lost: the request may have taken effect.
	inDoubt atomic.Bool
}

func (i *Integration) newBlob(_ context.Context, a account, t target, d objectstore.Delivery) (objectstore.Object, error) {
	if err := a.checkContainer(string(t.Container)); err != nil {
		return nil, err
	}
	b := &newBlob{credentials: a.credentials, headers: &blob.HTTPHeaders{BlobContentType: &d.ContentType}, upload: rand.Text()}
	if d.ContentEncoding != "" {
		b.headers.BlobContentEncoding = &d.ContentEncoding
	}
	if d.NoOverwrite {
		b.conditions = &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: to.Ptr(azcore.ETagAny)}}
	}
	c, err := i.client(a, func(res *http.Response, err error) bool {
		if err != nil || res.StatusCode >= http.StatusInternalServerError {
			b.inDoubt.Store(true)
		}
		return isTemporary(res, err)
	}, string(t.Container), url.PathEscape(d.Name))
	if err != nil {
		return nil, err
	}
	b.client = c
	return b, nil
}

// blockID returns a block's ID. All IDs of one blob must have the same length. This is the reference's
// length, because blocks of its failed uploads may still be there.
func (b *newBlob) blockID(number int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%-36s%012d", b.upload, number))
}

// sum is the checksum with which Azure verifies a body. CRC64 would be faster, but emulators do not
// support it.
func sum(body []byte) blob.TransferValidationType {
	s := md5.Sum(body) //nolint:gosec // against damage, not against people
	return blob.TransferValidationTypeMD5(s[:])
}

func reader(body []byte) io.ReadSeekCloser { return streaming.NopCloser(bytes.NewReader(body)) }

// Put implements [objectstore.Object].
func (b *newBlob) Put(ctx context.Context, body []byte) error {
	_, err := b.client.Upload(ctx, reader(body), &blockblob.UploadOptions{
		HTTPHeaders: b.headers, AccessConditions: b.conditions, TransactionalValidation: sum(body),
	})
	return b.explain(ctx, "writing the blob", err)
}

// Begin implements [objectstore.Object]. Blocks can be sent without it.
func (*newBlob) Begin(context.Context) error { return nil }

// Part implements [objectstore.Object].
func (b *newBlob) Part(ctx context.Context, number int, body []byte) error {
	_, err := b.client.StageBlock(ctx, b.blockID(number), reader(body), &blockblob.StageBlockOptions{
		TransactionalValidation: sum(body),
	})
	return b.credentials.explain(ctx, "writing a block", err)
}

// Complete implements [objectstore.Object].
func (b *newBlob) Complete(ctx context.Context, parts int) error {
	ids := make([]string, parts)
	for n := range ids {
		ids[n] = b.blockID(n + 1)
	}
	_, err := b.client.CommitBlockList(ctx, ids, &blockblob.CommitBlockListOptions{HTTPHeaders: b.headers, AccessConditions: b.conditions})
	return b.explain(ctx, "committing the blocks", err)
}

// explain explains errors of the requests that create the blob. If such a request is repeated after a
// lost response, Azure rejects it because the blob exists already.
func (b *newBlob) explain(ctx context.Context, doing string, err error) error {
	explained := b.credentials.explain(ctx, doing, err)
	if alreadyExists(errorCode(err)) && b.inDoubt.Load() {
		return objectstore.MaybeWritten(explained)
	}
	return explained
}

// Abort implements [objectstore.Object]. Azure has no request for it.
func (*newBlob) Abort(context.Context) {}
