package sagemaker

import (
	"context"
	"io"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/panics"
	"integrationhub.dev/integrations/internal/aws/s3store"
)

// place is the folder with a job's data.
type place struct {
	account s3store.Account
	bucket  s3store.Bucket
	// job is the folder's name.
	job string
}

func (p place) key(object string) string { return p.job + "/" + object }

func (p place) uri(object string) string { return "s3://" + string(p.bucket) + "/" + p.key(object) }

// upload writes a table. It is visible in S3 only if the upload is complete.
func (c *Client) upload(ctx context.Context, p place, object string, t *table) error {
	return c.store.Write(ctx, p.account, p.bucket, p.key(object), contentType, t)
}

// uploadBoth writes a table, and the unchanged result to another object. The result is read once. If
// one upload fails, both do.
func (c *Client) uploadBoth(ctx context.Context, p place, object string, t *table, raw string) error {
	out, in := io.Pipe()
	t.raw = in
	g, ctx := panics.WithContext(ctx)
	g.Run(func() error {
		err := panics.Catch(func() error { return c.upload(ctx, p, object, t) })
		_ = in.CloseWithError(err) // nil is the end of the data
		return err
	})
	g.Run(func() error {
		err := panics.Catch(func() error {
			return c.store.Write(ctx, p.account, p.bucket, p.key(raw), contentType, piped{t.Data, out})
		})
		_ = out.CloseWithError(err)
		return err
	})
	return g.Wait()
}

// piped is data that comes from the reader of another upload.
type piped struct {
	action.Data
	from io.ReadCloser
}

// Open implements [action.Data].
func (p piped) Open(context.Context) (io.ReadCloser, error) { return p.from, nil }
