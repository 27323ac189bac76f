package azurestorage

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5" //nolint:gosec // see sum
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/objectstore"
)

// The SDK's UploadStream is not used: its blocks are all of one size.

// stages make room for 1.2 TiB within Azure's 50,000 blocks: 24 MiB of buffers up to 156 GiB,
// 64 MiB to 625 GiB and 128 MiB beyond.
// https://learn.microsoft.com/azure/storage/blobs/scalability-targets
var stages = []objectstore.Stage{
	{Size: 8 << 20, Parts: 20000, Buffers: 3},
	{Size: 16 << 20, Parts: 10000, Buffers: 4},
	{Size: 32 << 20, Parts: 10000, Buffers: 2},
	{Size: 64 << 20, Parts: 10000, Buffers: 2},
}

// retries is how often a call is made again: its body is a buffer, and every call here can
// be repeated without doing twice what it asks for.
const retries = 4

// client makes a client for one request: the credentials are the request's. Its calls are
// tried again as often as again says.
func (i *Integration) client(a account, again func(*http.Response, error) bool) (*service.Client, error) {
	o := &service.ClientOptions{ClientOptions: azcore.ClientOptions{
		Transport: objectstore.Client{HTTP: i.deps.HTTP},
		Retry: policy.RetryOptions{
			MaxRetries: retries, RetryDelay: i.firstWait, MaxRetryDelay: i.longestWait, ShouldRetry: again,
		},
		Telemetry: policy.TelemetryOptions{Disabled: true},
	}}
	if !a.hasKey() && !i.settings.PodIdentity {
		return nil, action.Errorf(action.Invalid, `"accessKey" is required.`)
	}
	address := strings.ReplaceAll(string(i.settings.Endpoint), "{account}", string(a.Name))
	if s := a.signature(); s != "" {
		c, err := service.NewClientWithNoCredential(address+"?"+s, o)
		return c, unfit(err)
	}
	if strings.HasPrefix(address, "http:") {
		o.InsecureAllowCredentialWithHTTP = true // the administrator's own choice
	}
	if !a.hasKey() {
		c, err := service.NewClient(address, podCredential{i.pod, i.deps.HTTP, deliver.Retry{MaxAttempts: retries + 1, InitialBackoff: i.firstWait, MaxBackoff: i.longestWait}}, o)
		return c, unfit(err)
	}
	key, err := service.NewSharedKeyCredential(string(a.Name), strings.TrimSpace(a.Key.Reveal()))
	if err != nil {
		return nil, unfit(err)
	}
	c, err := service.NewClientWithSharedKeyCredential(address, key, o)
	return c, unfit(err)
}

// unfit says in the reference's words that there is no client. The SDK's own text is dropped:
// it can quote the address and with it the signature.
func unfit(err error) error {
	if err == nil {
		return nil
	}
	return action.Errorf(action.Invalid, "Error making Azure client. Storage Account and Access Key settings may be incorrect")
}

func shouldRetry(res *http.Response, err error) bool {
	if err != nil {
		return !errors.Is(err, outbound.ErrForbiddenAddress)
	}
	return action.KindOfStatus(res.StatusCode).Retryable() && res.StatusCode >= http.StatusBadRequest
}

// errMayNotList says that the signature, or the identity, is good, but not for seeing the containers.
var errMayNotList = errors.New("the credentials may not list containers")

func (i *Integration) listContainers(ctx context.Context, a account) ([]string, error) {
	c, err := i.client(a, shouldRetry)
	if err != nil {
		return nil, err
	}
	var names []string
	for pages := c.NewListContainersPager(nil); pages.More(); {
		page, err := pages.NextPage(ctx)
		if e, ok := errors.AsType[*azcore.ResponseError](err); ok && (a.signature() != "" || !a.hasKey()) && strings.HasPrefix(e.ErrorCode, "Authorization") {
			return nil, errMayNotList
		}
		if err != nil {
			return nil, explain(ctx, "listing containers", err)
		}
		for _, item := range page.ContainerItems {
			if item != nil && item.Name != nil {
				names = append(names, *item.Name)
			}
		}
	}
	return names, nil
}

var _ objectstore.Object = (*newBlob)(nil)

// newBlob is one blob on its way to a container. Its blocks belong to no blob until they are
// committed; those of an upload that failed are removed by Azure after a week.
// https://learn.microsoft.com/rest/api/storageservices/put-block
type newBlob struct {
	client  *blockblob.Client
	headers *blob.HTTPHeaders
	// conditions keep a blob that must not be replaced.
	conditions *blob.AccessConditions
	// upload tells this upload's blocks from those of another to the same blob.
	upload string
	// inDoubt is set once a call's answer was lost: it may have done its work.
	inDoubt atomic.Bool
}

func (i *Integration) newBlob(a account, container string, d objectstore.Delivery) (*newBlob, error) {
	b := &newBlob{headers: &blob.HTTPHeaders{BlobContentType: &d.ContentType}, upload: rand.Text()}
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
		return shouldRetry(res, err)
	})
	if err != nil {
		return nil, err
	}
	b.client = c.NewContainerClient(container).NewBlockBlobClient(d.Name)
	return b, nil
}

// blockID is a block's name. All names for one blob must have the same length: this one's is
// that of the reference, whose blocks of a failed upload may still be there.
func (b *newBlob) blockID(number int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%-36s%012d", b.upload, number))
}

// sum is what Azure checks a body against. It is not CRC64, which would be faster: emulators
// do not know that.
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

// Begin implements [objectstore.Object]: blocks need no beginning.
func (*newBlob) Begin(context.Context) error { return nil }

// Part implements [objectstore.Object].
func (b *newBlob) Part(ctx context.Context, number int, body []byte) error {
	_, err := b.client.StageBlock(ctx, b.blockID(number), reader(body), &blockblob.StageBlockOptions{
		TransactionalValidation: sum(body),
	})
	return explain(ctx, "writing a block", err)
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

// explain is for the calls that make the blob. Azure refuses one that is made again after its
// answer was lost, as if another blob had been there first.
func (b *newBlob) explain(ctx context.Context, doing string, err error) error {
	explained := explain(ctx, doing, err)
	if e, ok := errors.AsType[*azcore.ResponseError](err); ok && alreadyThere(e.ErrorCode) && b.inDoubt.Load() {
		return action.Wrap(explained, action.Unavailable, "%s", action.MessageOf(explained)+" It may be that this delivery did it: "+
			"look before sending it again.")
	}
	return explained
}

func alreadyThere(code string) bool { return code == "BlobAlreadyExists" || code == "ConditionNotMet" }

// Abort implements [objectstore.Object]: Azure has no call for it.
func (*newBlob) Abort(context.Context) {}

// explain turns the SDK's error into the hub's. The SDK's own text is dropped: it quotes
// addresses, which can hold a signature, and answers.
func explain(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	}
	if e, ok := errors.AsType[*action.Error](err); ok {
		return e // of the pod's identity
	}
	res, ok := errors.AsType[*azcore.ResponseError](err)
	if !ok {
		if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
			return action.Wrap(errors.New(doing), action.NotFound, "No storage account has this name. Check the account in the "+
				"action's settings in Looker.")
		}
		return fmt.Errorf("%s: %w", doing, outbound.ConnectionError(ctx, err, name))
	}
	detail := fmt.Errorf("%s: code %q: %w", doing, plain(res.ErrorCode), &outbound.StatusError{Code: res.StatusCode})
	if e := explanation(res.ErrorCode); e != nil {
		e.Err = detail
		return e
	}
	kind, text := action.KindOfStatus(res.StatusCode), http.StatusText(res.StatusCode)
	switch {
	case res.StatusCode < http.StatusBadRequest:
		return action.Wrap(detail, action.Unavailable, "Unexpected response from %s.", name)
	case kind == action.Invalid: // only here does the code say more than the status
		text = cmp.Or(plain(res.ErrorCode), text)
	}
	return action.Wrap(detail, kind, "%s answered %d %s.", name, res.StatusCode, text)
}

// explanation says what one of Azure's error codes means for the person in Looker; nil when
// it says nothing more than the status:
// https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
func explanation(code string) *action.Error {
	if alreadyThere(code) {
		return action.InvalidField("filename", "A file with this name already exists.")
	}
	switch code {
	case "AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation":
		return action.Errorf(action.Unauthenticated, "Azure Storage does not accept the access key for this account, or its "+
			"signature has expired. Check both in the action's settings in Looker.")
	case "AuthorizationFailure", "AuthorizationPermissionMismatch", "AuthorizationResourceTypeMismatch", "AuthorizationServiceMismatch", "AuthorizationProtocolMismatch", "AuthorizationSourceIPMismatch", "InsufficientAccountPermissions":
		return action.Errorf(action.Forbidden, "Azure Storage denied access. A shared access signature needs to create and write "+
			"blobs, an identity the role Storage Blob Data Contributor, and the account's firewall must let the hub in.")
	case "UnauthorizedBlobOverwrite":
		return action.Errorf(action.Forbidden, "A blob of this name exists, and the shared access signature may not replace it.")
	case "KeyBasedAuthenticationNotPermitted":
		return action.Errorf(action.Forbidden, "The storage account does not allow access by key.")
	case "AccountIsDisabled":
		return action.Errorf(action.Forbidden, "The storage account is disabled.")
	case "ContainerNotFound", "ContainerBeingDeleted", "ContainerDisabled":
		e := action.InvalidField("container", "The container does not exist.")
		e.Kind = action.NotFound
		return e
	case "BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold", "LeaseIdMissing":
		return action.InvalidField("filename", "A blob of this name exists and is protected.")
	case "InvalidBlobType":
		return action.InvalidField("filename", "A blob of this name exists and is of another type.")
	case "ServerBusy":
		return action.Errorf(action.RateLimited, "Azure Storage is throttling requests. Try again later.")
	case "OperationTimedOut":
		return action.Errorf(action.Timeout, "Azure Storage did not answer in time.")
	}
	return nil
}

// plain keeps what codes are made of: they come from outside, and go into messages.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
	return text[:min(len(text), 64)]
}
