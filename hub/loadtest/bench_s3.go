package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
)

// s3 measures a large result that goes from Looker's download address into an S3-compatible
// server, and the same bytes from a local file by the SDK alone.
func (b *benchmark) s3(ctx context.Context) error {
	if b.gateway == "" {
		return errors.New("needs the program versitygw: --versitygw")
	}
	endpoint, stop, err := b.startGateway(ctx, b.gateway)
	if err != nil {
		return err
	}
	defer stop()
	store := newStore(endpoint)
	if err := makeBucket(ctx, store); err != nil {
		return err
	}
	d := newDocument(csvFormat, b.s3Size, "s3")
	want := d.digest()
	alone, err := b.uploadAlone(ctx, store, d)
	if err != nil {
		return err
	}
	b.note(fmt.Sprintf("%d MiB into S3 by the SDK alone, from a file", b.s3Size/mib), "%.0f MB/s", mbps(want.Size, alone))
	return b.withHub(ctx, hubOptions{program: b.serve(), env: map[string]string{"AMAZON_S3_ENDPOINT": endpoint}}, func(h *hubProcess) error {
		begin := time.Now()
		out, err := h.execute(ctx, b.client, delivery{
			integration: "amazon_s3",
			params:      map[string]string{"access_key_id": accessKey, "secret_access_key": secretKey, "region": region},
			form:        map[string]string{"bucket": bucket, "filename": "hub.csv"},
			downloadURL: b.receiver.offer("s3", d, ""),
		})
		took := time.Since(begin)
		if err != nil {
			return err
		}
		peak := h.memory("VmHWM")
		if !out.Success {
			return fmt.Errorf("the delivery failed: %s", out.Message)
		}
		if got, err := fetch(ctx, store, "hub.csv"); err != nil || got != want {
			return fmt.Errorf("the object holds %s, want %s: %w", got, want, errors.Join(err, errUnexpected))
		}
		const share = 0.7
		b.add(mbps(want.Size, took) >= share*mbps(want.Size, alone), fmt.Sprintf("%d MiB by download into S3", b.s3Size/mib),
			">= 70 % of the SDK alone", "%.0f MB/s, %.0f %%", mbps(want.Size, took), 100*alone.Seconds()/took.Seconds())
		b.add(peak <= 128*mib, "… its peak memory", "<= 128 MiB", "%.1f MiB", inMiB(peak))
		return nil
	})
}

// uploadAlone writes the document to a file, and measures how long the SDK takes to bring
// it into the store, in the parts and as many at once as the hub.
func (b *benchmark) uploadAlone(ctx context.Context, store *s3.Client, d document) (time.Duration, error) {
	file, err := os.CreateTemp(b.dir, "source-")
	if err != nil {
		return 0, fmt.Errorf("making a file: %w", err)
	}
	defer os.Remove(file.Name())
	defer file.Close()
	size, err := d.WriteTo(file)
	if err != nil {
		return 0, fmt.Errorf("writing a file: %w", err)
	}
	begin := time.Now()
	if err := uploadParts(ctx, store, "alone.csv", file, size); err != nil {
		return 0, fmt.Errorf("uploading by the SDK alone: %w", err)
	}
	took := time.Since(begin)
	_, err = store.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("alone.csv")})
	return took, err
}

func uploadParts(ctx context.Context, store *s3.Client, key string, src io.ReaderAt, size int64) error {
	const part, atOnce = 8 * mib, 4
	upload, err := store.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: aws.String(bucket), Key: &key})
	if err != nil {
		return err
	}
	parts := make([]types.CompletedPart, (size+part-1)/part)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i := range parts {
		g.Go(func() error {
			number := aws.Int32(int32(i + 1)) //nolint:gosec // at most 10,000
			from := int64(i) * part
			out, err := store.UploadPart(gctx, &s3.UploadPartInput{
				Bucket: aws.String(bucket), Key: &key, UploadId: upload.UploadId, PartNumber: number,
				Body: io.NewSectionReader(src, from, min(part, size-from)),
			})
			if err == nil {
				parts[i] = types.CompletedPart{PartNumber: number, ETag: out.ETag}
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	_, err = store.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: aws.String(bucket), Key: &key, UploadId: upload.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	return err
}
