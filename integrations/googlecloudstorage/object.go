package googlecloudstorage

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"hash/crc32"
	"net/http"
	"net/url"
	"strconv"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/google/resumable"
	"integrationhub.dev/integrations/internal/objectstore"
)

// stages make room for Google's 5 TiB, in 16 MiB of memory: one piece is sent while the next
// is filled. https://cloud.google.com/storage/quotas#objects
var stages = []objectstore.Stage{{Size: 8 << 20, Parts: 5 << 17, Buffers: 2}}

var _ objectstore.Object = (*object)(nil)

// object is one object on its way to a bucket, by one resumable upload whatever its size: an
// answer that was lost can then be asked for again.
type object struct {
	client *client
	bucket string
	objectstore.Delivery
	upload *resumable.Upload
	sum    hash.Hash32
	size   int64
	// rest is a last part whose size only the end of an upload may have.
	rest []byte
}

func (c *client) newObject(bucket string, d objectstore.Delivery) *object {
	return &object{
		client: c, bucket: bucket, Delivery: d, sum: crc32.New(crc32.MakeTable(crc32.Castagnoli)),
		upload: &resumable.Upload{Service: name, Call: c.withAPI, Retry: c.writes, Log: c.deps.Log},
	}
}

// Put implements [objectstore.Object].
func (o *object) Put(ctx context.Context, body []byte) error {
	if err := o.Begin(ctx); err != nil {
		return err
	}
	o.count(body)
	err := o.finish(ctx, body)
	if err != nil {
		o.Abort(ctx)
	}
	return err
}

// Begin implements [objectstore.Object]:
// https://cloud.google.com/storage/docs/json_api/v1/objects/insert
func (o *object) Begin(ctx context.Context) error {
	query := url.Values{"uploadType": {"resumable"}, "name": {o.Name}, "fields": {"crc32c,size,generation"}}
	if o.NoOverwrite {
		query.Set("ifGenerationMatch", "0")
	}
	path := outbound.WithQuery(outbound.Path("upload", "storage", "v1", "b", o.bucket, "o"), query)
	metadata := struct {
		ContentType     string `json:"contentType"`
		ContentEncoding string `json:"contentEncoding,omitempty"`
	}{o.ContentType, o.ContentEncoding}
	err := o.upload.Begin(ctx, path, metadata, o.ContentType)
	if action.KindOf(err) == action.NotFound {
		return action.Wrap(err, action.NotFound, "The bucket does not exist.").WithField("bucket")
	}
	return err
}

// Part implements [objectstore.Object]. Of the parts, only the last can have a size that is
// not a multiple of what Google takes: it is kept until it is known to be the last.
func (o *object) Part(ctx context.Context, _ int, body []byte) error {
	o.count(body)
	if len(body)%resumable.Quantum != 0 {
		o.rest = body
		return nil
	}
	return o.upload.Send(ctx, body, false)
}

// Complete implements [objectstore.Object].
func (o *object) Complete(ctx context.Context, _ int) error { return o.finish(ctx, o.rest) }

// Abort implements [objectstore.Object].
func (o *object) Abort(ctx context.Context) { o.upload.Abort(ctx) }

func (o *object) count(body []byte) {
	_, _ = o.sum.Write(body) // never fails
	o.size += int64(len(body))
}

// finish sends the rest and with it the checksum of the whole, without which Google makes no
// object: https://cloud.google.com/storage/docs/data-validation
func (o *object) finish(ctx context.Context, rest []byte) error {
	sum := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, o.sum.Sum32()))
	o.upload.Last = http.Header{"X-Goog-Hash": {"crc32c=" + sum}}
	if err := o.upload.Send(ctx, rest, true); err != nil {
		return err
	}
	var made struct {
		CRC32C     string `json:"crc32c"`
		Size       string `json:"size"`
		Generation string `json:"generation"`
	}
	if err := json.Unmarshal(o.upload.Made(), &made); err != nil {
		return action.Wrap(err, action.Unavailable, "Unexpected response from %s.", name)
	}
	if made.CRC32C == sum && made.Size == strconv.FormatInt(o.size, 10) {
		return nil
	}
	return o.damaged(ctx, made.Generation)
}

// damaged removes an object that is not what was sent, if the account may.
func (o *object) damaged(ctx context.Context, generation string) error {
	err := action.Errorf(action.Unavailable, "The data was corrupted in transit to %s.", name)
	path := outbound.WithQuery(outbound.Path("storage", "v1", "b", o.bucket, "o", o.Name), url.Values{"generation": {generation}})
	removed := o.client.withAPI(ctx, func(ctx context.Context, api outbound.API) error {
		return api.Call(ctx, http.MethodDelete, path, nil, nil)
	})
	if removed != nil {
		err.Message += " The corrupted file could not be removed."
		err.Err = fmt.Errorf("removing the object: %w", removed)
	}
	return err
}
