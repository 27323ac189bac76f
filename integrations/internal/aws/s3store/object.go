package s3store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/objectstore"
)

// The SDK's transfer manager is not used. It has one part size, which would have to fit the largest object,
// it aborts with a context that may have ended, and it writes to the process's log.

// Stages allow 1 TiB within S3's limit of 10,000 parts. Buffers take 24 MiB up to 10 GiB, 32 MiB up to 16 GiB,
// 64 MiB up to 22 GiB, 128 MiB up to 28 GiB, and then 256 MiB.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
var Stages = []objectstore.Stage{
	{Size: 8 << 20, Parts: 1300, Buffers: 3},
	{Size: 16 << 20, Parts: 400, Buffers: 2},
	{Size: 32 << 20, Parts: 200, Buffers: 2},
	{Size: 64 << 20, Parts: 100, Buffers: 2},
	{Size: 128 << 20, Parts: 8000, Buffers: 2},
}

// equalStages are for Cloudflare R2: "All parts except the last one must be the same size". They allow 156 GiB.
// https://developers.cloudflare.com/r2/objects/multipart-objects/
var equalStages = []objectstore.Stage{{Size: 16 << 20, Parts: 10000, Buffers: 2}}

// stages returns those for the service.
func (s Service) stages() []objectstore.Stage {
	const r2 = ".r2.cloudflarestorage.com"
	if u, err := url.Parse(s.Endpoint); err == nil && strings.HasSuffix(strings.ToLower(u.Hostname()), r2) {
		return equalStages
	}
	return Stages
}

// abortTimeout limits the cleanup after a delivery, which may itself have timed out.
const abortTimeout = 30 * time.Second

var _ objectstore.Object = (*object)(nil)

// object is an object that is being written.
type object struct {
	store   *Store
	account Account
	client  *s3.Client
	bucket  string
	objectstore.Delivery
	// inDoubt is set when a response was lost: the request may have taken effect.
	inDoubt atomic.Bool

	// The fields of a multipart upload.
	id    *string
	mu    sync.Mutex
	parts map[int]types.CompletedPart
}

// Put implements [objectstore.Object].
func (o *object) Put(ctx context.Context, body []byte) error {
	keep := o.store.service.Writing
	var out *s3.PutObjectOutput
	err := o.withRegionRedirect(ctx, "writing the object", func() (err error) {
		out, err = o.client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &o.bucket, Key: &o.Name, ContentType: optional(o.ContentType), ContentEncoding: optional(o.ContentEncoding),
			StorageClass: keep.StorageClass, ServerSideEncryption: keep.Encryption, SSEKMSKeyId: optional(keep.KMSKey),
			Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))),
			ChecksumAlgorithm: o.store.checksum(), IfNoneMatch: o.onlyNew(),
		})
		return err
	})
	if err == nil && aws.ToString(out.ETag) == "" {
		return o.unexpected("writing the object")
	}
	return err
}

// unexpected is the error for a successful status without the fields that S3 always returns. A proxy may
// have sent the response.
func (o *object) unexpected(doing string) error {
	return action.Wrap(fmt.Errorf("%s: the response does not confirm the request", doing), action.Unavailable,
		"Unexpected response from %s. The file may have been written. Check before retrying.", o.store.service.Name)
}

// Begin implements [objectstore.Object].
func (o *object) Begin(ctx context.Context) error {
	keep := o.store.service.Writing
	err := o.withRegionRedirect(ctx, "beginning the upload", func() error {
		out, err := o.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
			Bucket: &o.bucket, Key: &o.Name, ContentType: optional(o.ContentType), ContentEncoding: optional(o.ContentEncoding),
			StorageClass: keep.StorageClass, ServerSideEncryption: keep.Encryption, SSEKMSKeyId: optional(keep.KMSKey),
			ChecksumAlgorithm: o.store.checksum(),
		})
		if err == nil {
			o.id = out.UploadId
		}
		return err
	})
	if err == nil && aws.ToString(o.id) == "" {
		return o.unexpected("beginning the upload")
	}
	return err
}

// withRegionRedirect makes an upload's first request, and repeats it in the bucket's region if that is
// another one.
func (o *object) withRegionRedirect(ctx context.Context, doing string, call func() error) error {
	err := call()
	if err != nil && !o.store.foreign() {
		if r := bucketRegion(ctx, o.client, o.bucket, err); r != "" && r != o.account.Region {
			o.client = o.store.client(o.account, r, o.markInDoubt)
			err = call()
		}
	}
	if err != nil {
		return o.explain(ctx, doing, err)
	}
	return nil
}

// markInDoubt is called for every failed attempt.
func (o *object) markInDoubt(err error) {
	_, unsent := errors.AsType[*smithyhttp.RequestSendError](err)
	if res, ok := errors.AsType[*smithyhttp.ResponseError](err); unsent || !ok || res.HTTPStatusCode() >= http.StatusInternalServerError {
		o.inDoubt.Store(true)
	}
}

// explain explains errors of the requests that create the object. If such a request is repeated after a lost
// response, S3 rejects it because the object exists already.
func (o *object) explain(ctx context.Context, doing string, err error) error {
	explained := o.store.explain(ctx, doing, err)
	switch errorCode(err) {
	case "PreconditionFailed", "ConditionalRequestConflict", "NoSuchUpload":
		if o.inDoubt.Load() {
			return objectstore.MaybeWritten(explained)
		}
	}
	return explained
}

// onlyNew returns the condition that no object exists:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func (o *object) onlyNew() *string {
	if !o.NoOverwrite {
		return nil
	}
	return aws.String("*")
}

// checkAbsent checks on servers other than Amazon's that no object exists. Not all of them support onlyNew.
func (o *object) checkAbsent(ctx context.Context) error {
	if !o.NoOverwrite || !o.store.foreign() {
		return nil
	}
	_, err := o.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &o.bucket, Key: &o.Name})
	if res, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && res.HTTPStatusCode() == http.StatusNotFound {
		return nil // writing reports a missing bucket
	}
	if err != nil {
		return o.store.explain(ctx, "looking for the object", err)
	}
	return exists()
}

// exists is the error for an existing object that must not be replaced.
func exists() *action.Error {
	return action.InvalidField("filename", "A file with this name already exists.")
}

// Part implements [objectstore.Object].
func (o *object) Part(ctx context.Context, part int, body []byte) error {
	number := int32(part) //nolint:gosec // there are at most 10,000
	out, err := o.client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &o.bucket, Key: &o.Name, UploadId: o.id, PartNumber: &number,
		Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))),
		ChecksumAlgorithm: o.store.checksum(),
	})
	if err != nil {
		return o.store.explain(ctx, "writing a part", err)
	}
	if aws.ToString(out.ETag) == "" {
		return o.unexpected("writing a part")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.parts == nil {
		o.parts = map[int]types.CompletedPart{}
	}
	o.parts[part] = types.CompletedPart{PartNumber: &number, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32}
	return nil
}

// Complete implements [objectstore.Object].
func (o *object) Complete(ctx context.Context, parts int) error {
	var all types.CompletedMultipartUpload
	for n := range parts {
		all.Parts = append(all.Parts, o.parts[n+1])
	}
	out, err := o.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &o.bucket, Key: &o.Name, UploadId: o.id, MultipartUpload: &all, IfNoneMatch: o.onlyNew(),
	})
	if err != nil {
		return o.explain(ctx, "completing the upload", err)
	}
	if aws.ToString(out.ETag) == "" {
		return o.unexpected("completing the upload")
	}
	return nil
}

// aborts is how often an upload is aborted. Parts that were being sent when the delivery failed can arrive
// after the first time.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
const aborts = 3

// Abort removes the parts, which are invisible but not free. It has its own timeout, because the delivery may
// have timed out.
func (o *object) Abort(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	for n := range aborts {
		if n > 0 {
			timer := time.NewTimer(min(time.Second, o.store.MaxBackoff))
			<-timer.C
		}
		_, err := o.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &o.bucket, Key: &o.Name, UploadId: o.id})
		switch {
		case errorCode(err) == "NoSuchUpload":
			return
		case err != nil:
			o.store.deps.Log.WarnContext(ctx, "the parts of a failed upload could not be removed",
				"bucket", o.bucket, "error", o.store.explain(ctx, "aborting the upload", err))
			return
		}
	}
}

// checksum is the checksum of each body. Not all other servers support it.
func (s *Store) checksum() types.ChecksumAlgorithm {
	if s.foreign() {
		return ""
	}
	return types.ChecksumAlgorithmCrc32
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
