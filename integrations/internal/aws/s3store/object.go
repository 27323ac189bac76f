package s3store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
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

// The SDK's transfer manager is not used. Its parts are all of one size, which for data of
// unknown length would have to be chosen for the largest; it aborts with a context that may
// have ended; and it writes to the process's log.

// Stages make room for 1 TiB within S3's 10,000 parts, without costing a small file the
// memory of a large one: 24 MiB at most up to 10 GiB, 32 MiB to 16 GiB, 64 MiB to 22 GiB,
// 128 MiB to 28 GiB and 256 MiB beyond.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
var Stages = []objectstore.Stage{
	{Size: 8 << 20, Parts: 1300, Buffers: 3},
	{Size: 16 << 20, Parts: 400, Buffers: 2},
	{Size: 32 << 20, Parts: 200, Buffers: 2},
	{Size: 64 << 20, Parts: 100, Buffers: 2},
	{Size: 128 << 20, Parts: 8000, Buffers: 2},
}

// abortTimeout is for cleaning up after a delivery, whose own time may be over.
const abortTimeout = 30 * time.Second

var _ objectstore.Object = (*object)(nil)

// object is one object on its way to a bucket.
type object struct {
	store   *Store
	account Account
	client  *s3.Client
	bucket  string
	objectstore.Delivery
	// inDoubt is set once a call's answer was lost: it may have done its work.
	inDoubt atomic.Bool

	// What follows belongs to a multipart upload.
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
			ChecksumAlgorithm: o.checksum(), IfNoneMatch: o.onlyNew(),
		})
		return err
	})
	if err == nil && aws.ToString(out.ETag) == "" {
		return o.unexpected("writing the object")
	}
	return err
}

// unexpected is the error for a status of success without what S3 always says with it: a proxy
// may have answered in its place.
func (o *object) unexpected(doing string) error {
	return action.Wrap(fmt.Errorf("%s: the answer lacks what confirms it", doing), action.Unavailable,
		"Unexpected response from %s. The file may have been written. Check before retrying.", o.store.service.Name)
}

// Begin implements [objectstore.Object].
func (o *object) Begin(ctx context.Context) error {
	keep := o.store.service.Writing
	err := o.withRegionRedirect(ctx, "beginning the upload", func() error {
		out, err := o.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
			Bucket: &o.bucket, Key: &o.Name, ContentType: optional(o.ContentType), ContentEncoding: optional(o.ContentEncoding),
			StorageClass: keep.StorageClass, ServerSideEncryption: keep.Encryption, SSEKMSKeyId: optional(keep.KMSKey),
			ChecksumAlgorithm: o.checksum(),
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

// withRegionRedirect makes an upload's first call, and repeats it in the bucket's region if that is
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

// markInDoubt is called for every attempt that failed.
func (o *object) markInDoubt(err error) {
	_, unsent := errors.AsType[*smithyhttp.RequestSendError](err)
	if res, ok := errors.AsType[*smithyhttp.ResponseError](err); unsent || !ok || res.HTTPStatusCode() >= http.StatusInternalServerError {
		o.inDoubt.Store(true)
	}
}

// explain is for the calls that make the object. S3 refuses one that is made again after its
// answer was lost, as if another had been there first.
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

// onlyNew asks S3 to replace nothing:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func (o *object) onlyNew() *string {
	if !o.NoOverwrite {
		return nil
	}
	return aws.String("*")
}

// checkAbsent asks servers other than Amazon's whether there is an object: not all of them
// heed what onlyNew says.
func (o *object) checkAbsent(ctx context.Context) error {
	if !o.NoOverwrite || !o.store.foreign() {
		return nil
	}
	_, err := o.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &o.bucket, Key: &o.Name})
	if res, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && res.HTTPStatusCode() == http.StatusNotFound {
		return nil // of a bucket that is not there, the writing tells
	}
	if err != nil {
		return o.store.explain(ctx, "looking for the object", err)
	}
	return exists()
}

// exists is the error for an object that must not be replaced.
func exists() *action.Error {
	return action.InvalidField("filename", "A file with this name already exists.")
}

// Part implements [objectstore.Object].
func (o *object) Part(ctx context.Context, part int, body []byte) error {
	number := int32(part) //nolint:gosec // there are at most 10,000
	out, err := o.client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &o.bucket, Key: &o.Name, UploadId: o.id, PartNumber: &number,
		Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))),
		ChecksumAlgorithm: o.checksum(),
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

// aborts is how often an upload is aborted: parts that were on their way when the delivery
// failed can arrive after the first time.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
const aborts = 3

// Abort removes the parts that were sent: they would be paid for, though nobody sees them.
// It has its own time, since that of the delivery may be what is over.
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
			o.store.deps.Log.WarnContext(ctx, "the parts of an upload that failed are left at the destination",
				"bucket", o.bucket, "error", o.store.explain(ctx, "aborting the upload", err))
			return
		}
	}
}

// checksum is what Amazon checks each body against; other servers do not all know it.
func (o *object) checksum() types.ChecksumAlgorithm {
	if o.store.foreign() {
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
