package s3store

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

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
	store       *Store
	account     Account
	client      *s3.Client
	bucket, key string
	contentType string

	// What follows belongs to a multipart upload.
	id    *string
	mu    sync.Mutex
	parts map[int]types.CompletedPart
}

// Put implements [objectstore.Object].
func (o *object) Put(ctx context.Context, body []byte) error {
	return o.whereTheBucketIs(ctx, "writing the object", func() error {
		_, err := o.client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &o.bucket, Key: &o.key, ContentType: optional(o.contentType),
			Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))),
			ChecksumAlgorithm: o.checksum(),
		})
		return err
	})
}

// Begin implements [objectstore.Object].
func (o *object) Begin(ctx context.Context) error {
	return o.whereTheBucketIs(ctx, "beginning the upload", func() error {
		out, err := o.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
			Bucket: &o.bucket, Key: &o.key, ContentType: optional(o.contentType),
			ChecksumAlgorithm: o.checksum(),
		})
		if err == nil {
			o.id = out.UploadId
		}
		return err
	})
}

// whereTheBucketIs makes an upload's first call, again in the bucket's own region if it
// turns out to be another.
func (o *object) whereTheBucketIs(ctx context.Context, doing string, call func() error) error {
	err := call()
	if err != nil && !o.store.foreign() {
		if r := bucketRegion(ctx, o.client, o.bucket, err); r != "" && r != o.account.Region {
			o.client = o.store.client(o.account, r)
			err = call()
		}
	}
	if err != nil {
		return o.store.explain(ctx, doing, err)
	}
	return nil
}

// Part implements [objectstore.Object].
func (o *object) Part(ctx context.Context, part int, body []byte) error {
	number := int32(part) //nolint:gosec // there are at most 10,000
	out, err := o.client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &o.bucket, Key: &o.key, UploadId: o.id, PartNumber: &number,
		Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))),
		ChecksumAlgorithm: o.checksum(),
	})
	if err != nil {
		return o.store.explain(ctx, "writing a part", err)
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
	_, err := o.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &o.bucket, Key: &o.key, UploadId: o.id, MultipartUpload: &all,
	})
	if err != nil {
		return o.store.explain(ctx, "completing the upload", err)
	}
	return nil
}

// Abort removes the parts that were sent: they would be paid for, though nobody sees them.
// It has its own time, since that of the delivery may be what is over.
func (o *object) Abort(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	_, err := o.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &o.bucket, Key: &o.key, UploadId: o.id})
	if err != nil && errorCode(err) != "NoSuchUpload" {
		o.store.deps.Log.WarnContext(ctx, "the parts of an upload that failed are left at the destination",
			"bucket", o.bucket, "error", o.store.explain(ctx, "aborting the upload", err))
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
