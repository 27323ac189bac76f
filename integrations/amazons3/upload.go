package amazons3

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"integrationhub.dev/hub/action"
)

// The SDK's transfer manager is not used. Its parts are all of one size, which for data of
// unknown length would have to be chosen for the largest; it aborts with a context that may
// have ended; and it writes to the process's log.

// stage is a run of parts of one size.
type stage struct {
	// size is how long each part is, but for the last one of all.
	size int
	// parts is how many there are at most.
	parts int
	// buffers is how many are held at once, one of them being filled.
	buffers int
}

// stages make room for 867 GiB within S3's 10,000 parts, without costing a small file the
// memory of a large one: 32 MiB at most up to 8 GiB, 64 MiB to 24 GiB and 55 GiB, 128 MiB
// to 117 GiB and 256 MiB beyond.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
var stages = []stage{
	{8 << 20, 1000, 4},
	{16 << 20, 1000, 4},
	{32 << 20, 1000, 2},
	{64 << 20, 1000, 2},
	{128 << 20, 6000, 2},
}

// abortTimeout is for cleaning up after a delivery, whose own time may be over.
const abortTimeout = 30 * time.Second

// upload writes one object.
type upload struct {
	integration *Integration
	account     account
	client      *s3.Client
	bucket, key string
	contentType string

	// What follows belongs to a multipart upload.
	id     *string
	cancel context.CancelCauseFunc
	mu     sync.Mutex
	parts  []types.CompletedPart
}

// run writes the data. The object appears only once all of the data has arrived: data of
// less than a part goes in one call, and parts are put together at the end.
func (u *upload) run(ctx context.Context, data action.Data) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	u.cancel = cancel // a part that fails ends the reading too

	src, err := data.Open(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	// The first part's buffer grows as the data comes: most files are small.
	first, err := io.ReadAll(io.LimitReader(src, int64(u.integration.stages[0].size)))
	switch {
	case err != nil:
		return fmt.Errorf("reading the data: %w", err)
	case len(first) < u.integration.stages[0].size:
		return u.put(ctx, first)
	}
	return u.multipart(ctx, io.MultiReader(bytes.NewReader(first), src))
}

// put writes the object in one call.
func (u *upload) put(ctx context.Context, body []byte) error {
	return u.whereTheBucketIs(ctx, "writing the object", func() error {
		_, err := u.client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &u.bucket, Key: &u.key, ContentType: optional(u.contentType),
			Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))),
			ChecksumAlgorithm: u.checksum(),
		})
		return err
	})
}

// multipart writes the object in parts.
func (u *upload) multipart(ctx context.Context, src io.Reader) error {
	err := u.whereTheBucketIs(ctx, "beginning the upload", func() error {
		out, err := u.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
			Bucket: &u.bucket, Key: &u.key, ContentType: optional(u.contentType),
			ChecksumAlgorithm: u.checksum(),
		})
		if err == nil {
			u.id = out.UploadId
		}
		return err
	})
	if err != nil {
		return err
	}
	u.sendParts(ctx, src)
	// Whatever went wrong first is the context's cause; what followed from it is not told.
	if err = context.Cause(ctx); err == nil {
		err = u.complete(ctx)
	}
	if err != nil {
		u.abort(ctx)
	}
	return err
}

// whereTheBucketIs makes an upload's first call, again in the bucket's own region if it
// turns out to be another.
func (u *upload) whereTheBucketIs(ctx context.Context, doing string, call func() error) error {
	err := call()
	if err != nil && u.integration.settings.Endpoint == "" {
		if r := bucketRegion(ctx, u.client, u.bucket, err); r != "" && r != u.account.Region {
			u.client = u.integration.client(u.account, r)
			err = call()
		}
	}
	if err != nil {
		return explain(ctx, doing, err)
	}
	return nil
}

// sendParts returns once no part is under way any more. It cancels ctx when anything fails.
func (u *upload) sendParts(ctx context.Context, src io.Reader) {
	for _, s := range u.integration.stages {
		if end := u.sendStage(ctx, s, src); end {
			return
		}
	}
	var more [1]byte
	switch n, _, err := fill(src, more[:]); {
	case err != nil:
		u.cancel(fmt.Errorf("reading the data: %w", err))
	case n > 0:
		u.cancel(action.Errorf(action.TooLarge, "The data is larger than the hub can write to %s.", name))
	}
}

// sendStage sends the parts of one size, and reports whether there is nothing more to send.
func (u *upload) sendStage(ctx context.Context, s stage, src io.Reader) (end bool) {
	var underWay sync.WaitGroup
	defer underWay.Wait()
	free := make(chan []byte, s.buffers)
	for range s.buffers {
		free <- nil
	}
	for range s.parts {
		var buf []byte
		select {
		case <-ctx.Done():
			return true
		case buf = <-free:
		}
		if buf == nil {
			buf = make([]byte, s.size)
		}
		n, end, err := fill(src, buf)
		if err != nil {
			u.cancel(fmt.Errorf("reading the data: %w", err))
			return true
		}
		if n > 0 {
			number := u.nextPart()
			underWay.Go(func() {
				if err := u.sendPart(ctx, number, buf[:n]); err != nil {
					u.cancel(err)
				}
				free <- buf
			})
		}
		if end {
			return true
		}
	}
	return false
}

// fill reads until buf is full or the data ends. It is not io.ReadFull, which gives the end
// of the data the name of a source that broke off.
func fill(src io.Reader, buf []byte) (n int, end bool, err error) {
	for n < len(buf) {
		k, err := src.Read(buf[n:])
		n += k
		if err == io.EOF {
			return n, true, nil
		}
		if err != nil {
			return n, false, err
		}
	}
	return n, false, nil
}

// nextPart makes room for a part and returns its number; the first is 1.
func (u *upload) nextPart() int32 {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.parts = append(u.parts, types.CompletedPart{})
	return int32(len(u.parts)) //nolint:gosec // there are at most 10,000
}

func (u *upload) sendPart(ctx context.Context, number int32, body []byte) error {
	out, err := u.client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &u.bucket, Key: &u.key, UploadId: u.id, PartNumber: &number,
		Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))),
		ChecksumAlgorithm: u.checksum(),
	})
	if err != nil {
		return explain(ctx, "writing a part", err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.parts[number-1] = types.CompletedPart{PartNumber: &number, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32}
	return nil
}

func (u *upload) complete(ctx context.Context) error {
	_, err := u.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &u.bucket, Key: &u.key, UploadId: u.id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: u.parts},
	})
	if err != nil {
		return explain(ctx, "completing the upload", err)
	}
	return nil
}

// abort removes the parts that were sent: they would be paid for, though nobody sees them.
// It has its own time, since that of the delivery may be what is over.
func (u *upload) abort(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	_, err := u.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &u.bucket, Key: &u.key, UploadId: u.id})
	if err != nil && errorCode(err) != "NoSuchUpload" {
		u.integration.deps.Log.WarnContext(ctx, "the parts of an upload that failed are left at the destination",
			"bucket", u.bucket, "error", explain(ctx, "aborting the upload", err))
	}
}

// checksum is what Amazon checks each body against; other servers do not all know it.
func (u *upload) checksum() types.ChecksumAlgorithm {
	if u.integration.settings.Endpoint != "" {
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
