package googlecloudstorage

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/google/resumable"
	"integrationhub.dev/integrations/internal/google/serviceaccount"
	"integrationhub.dev/integrations/internal/objectstore"
)

// Google's libraries are not used. For three requests, cloud.google.com/go/storage would add 28 MB to
// the hub, and google.golang.org/api 10 MB: both link gRPC.

// Google asks for exponential backoff: https://cloud.google.com/storage/docs/retry-strategy
var (
	writeRetry = deliver.Retry{MaxAttempts: 6, InitialBackoff: time.Second, MaxBackoff: 32 * time.Second}
	// readRetry is for forms, since the user is waiting.
	readRetry = deliver.Retry{MaxAttempts: 3, InitialBackoff: 500 * time.Millisecond, MaxBackoff: 4 * time.Second}
)

const readTimeout = 30 * time.Second

// client is one account's access during one request.
type client struct {
	*Integration
	tokens oauth2.TokenSource
	// refused is the message if Google rejects the credentials.
	refused string
}

// withAPI calls f with an API that has an access token; it is a [resumable.Caller].
func (c *client) withAPI(ctx context.Context, f func(context.Context, outbound.API) error) error {
	token, err := c.tokens.Token()
	if err != nil {
		return serviceaccount.Explain(ctx, err, c.refused)
	}
	return f(ctx, outbound.API{
		Name: name, Base: string(c.settings.Endpoint), Client: c.deps.HTTP, Timeout: readTimeout,
		Authorize: token.SetAuthHeader, Explain: explain,
	})
}

// listBuckets returns the names of the project's buckets
// (https://cloud.google.com/storage/docs/json_api/v1/buckets/list).
func (i *Integration) listBuckets(ctx context.Context, a account) ([]string, error) {
	c, err := i.client(ctx, a)
	if err != nil {
		return nil, err
	}
	query := url.Values{"project": {strings.TrimSpace(a.Project)}, "fields": {"nextPageToken,items(name)"}, "maxResults": {"1000"}}
	var names []string
	for {
		var page struct {
			Items []struct {
				Name string `json:"name"`
			} `json:"items"`
			Next string `json:"nextPageToken"`
		}
		err := c.reads.Do(ctx, func(ctx context.Context) error {
			return c.withAPI(ctx, func(ctx context.Context, api outbound.API) error {
				return api.Call(ctx, http.MethodGet, outbound.WithQuery("/storage/v1/b", query), nil, &page)
			})
		})
		// A response of Google's token service has another kind.
		if _, ok := errors.AsType[*outbound.StatusError](err); ok && action.KindOf(err) == action.Forbidden {
			return nil, choice.ErrDenied
		}
		if err != nil {
			return nil, fmt.Errorf("listing buckets: %w", err)
		}
		for _, b := range page.Items {
			names = append(names, b.Name)
		}
		if page.Next == "" {
			return names, nil
		}
		query.Set("pageToken", page.Next)
	}
}

// stages allow Google's limit of 5 TiB with 16 MiB of memory: one part is sent while the next one is
// filled. https://cloud.google.com/storage/quotas#objects
var stages = []objectstore.Stage{{Size: 8 << 20, Parts: 5 << 17, Buffers: 2}}

var _ objectstore.Object = (*object)(nil)

// object is an object that is being written. Small ones use a resumable upload too, because it allows
// asking again after a lost response.
type object struct {
	client *client
	bucket string
	objectstore.Delivery
	upload *resumable.Upload
	sum    hash.Hash32
	size   int64
	// rest is the last part, if its size is allowed only at the end of an upload.
	rest []byte
}

func (i *Integration) newObject(ctx context.Context, a account, t target, d objectstore.Delivery) (objectstore.Object, error) {
	c, err := i.client(ctx, a)
	if err != nil {
		return nil, err
	}
	return &object{
		client: c, bucket: string(t.Bucket), Delivery: d, sum: crc32.New(crc32.MakeTable(crc32.Castagnoli)),
		upload: &resumable.Upload{Service: name, Call: c.withAPI, Retry: c.writes, Log: c.deps.Log},
	}, nil
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

// Part implements [objectstore.Object]. A part whose size is not a multiple of [resumable.Quantum] is
// the last one. It is kept for Complete.
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

// finish sends the rest with the checksum of the whole object. Google creates the object only if the
// checksum is right: https://cloud.google.com/storage/docs/data-validation
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

// damaged removes an object that differs from what was sent, if the account is allowed to.
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
