package payload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"integrationhub.dev/hub/action"
)

// Data makes an envelope's payload available to an integration. A download URL takes precedence
// over an attachment, as it does in the reference.
func (e *Envelope) Data(download *Downloader) action.Data {
	return e.MeteredData(download, noMeter{})
}

// MeteredData is [Envelope.Data] that counts what the integration reads.
func (e *Envelope) MeteredData(download *Downloader, m Meter) action.Data {
	switch {
	case e.Plan.DownloadURL != "":
		d := &remote{url: e.Plan.DownloadURL, download: download, share: e.share, maxValue: e.MaxValueBytes, meter: m}
		if e.Attachment != nil {
			d.mime, _ = splitMIME(e.Attachment.MIME)
			d.extension = e.Attachment.Extension
		}
		return d
	case e.Attachment != nil && e.Attachment.Data != nil && e.Attachment.MIME != "":
		d := &inline{blob: e.Attachment.Data, extension: e.Attachment.Extension, share: e.share, maxValue: e.MaxValueBytes, meter: m}
		d.mime, d.base64 = splitMIME(e.Attachment.MIME)
		return d
	}
	return empty{}
}

// splitMIME splits "application/pdf;base64". Only a suffix counts, as in the reference.
func splitMIME(mime string) (mediaType string, encoded bool) {
	if m, ok := strings.CutSuffix(mime, ";base64"); ok {
		return m, true
	}
	return mime, false
}

var errNoData = action.Errorf(action.Invalid, "The request came without data.")

// empty is a request without a payload.
type empty struct{}

func (empty) Empty() bool                                  { return true }
func (empty) MIME() string                                 { return "" }
func (empty) Extension() string                            { return "" }
func (empty) MaxValueBytes() int64                         { return 0 }
func (empty) Open(context.Context) (io.ReadCloser, error)  { return nil, errNoData }
func (empty) Table(context.Context) (*action.Table, error) { return nil, errNoData }

func (empty) Spool(context.Context, int64) (action.Blob, error) { return nil, errNoData }
func (empty) Store(io.Reader, int64) (action.Blob, error)       { return nil, errNoData }

// inline is a payload in the envelope.
type inline struct {
	blob            *Blob
	mime, extension string
	base64          bool
	share           *Share
	maxValue        int64
	meter           Meter
}

func (d *inline) Empty() bool          { return d.blob.Size() == 0 }
func (d *inline) MaxValueBytes() int64 { return d.maxValue }
func (d *inline) MIME() string         { return d.mime }
func (d *inline) Extension() string    { return strings.TrimPrefix(d.extension, ".") }

func (d *inline) Open(context.Context) (io.ReadCloser, error) {
	return meteredReader{io.NopCloser(d.reader()), d.meter}, nil
}

func (d *inline) reader() io.Reader {
	if d.base64 {
		return decodeBase64(d.blob.Reader())
	}
	return d.blob.Reader()
}

func (d *inline) Spool(_ context.Context, maxBytes int64) (action.Blob, error) {
	if d.base64 {
		return countBlob(d.meter)(spoolAll(d.share, d.reader(), maxBytes, d.maxValue))
	}
	if d.blob.Size() > maxBytes {
		return nil, tooLarge(maxBytes)
	}
	d.meter.Bytes(int(d.blob.Size()))
	return borrowed{payloadBlob{d.blob, d.share, d.maxValue}}, nil
}

// Store does not count bytes: the reader's source does.
func (d *inline) Store(r io.Reader, maxBytes int64) (action.Blob, error) {
	return spoolAll(d.share, r, maxBytes, d.maxValue)
}

func (d *inline) Table(ctx context.Context) (*action.Table, error) {
	r, err := d.Open(ctx)
	if err != nil {
		return nil, err
	}
	return countRows(d.meter)(decodeTable(r, d.share, d.maxValue))
}

// payloadBlob is a complete payload for integrations.
type payloadBlob struct {
	*Blob
	share    *Share
	maxValue int64
}

// Table implements [action.Blob].
func (b payloadBlob) Table() (*action.Table, error) {
	return decodeTable(io.NopCloser(b.Reader()), b.share, b.maxValue)
}

// MaxValueBytes implements [action.Blob].
func (b payloadBlob) MaxValueBytes() int64 { return b.maxValue }

// borrowed is a blob that the envelope closes.
type borrowed struct{ payloadBlob }

func (borrowed) Close() error { return nil }

// spoolAll stops one byte past the destination's limit.
func spoolAll(share *Share, r io.Reader, maxBytes, maxValue int64) (action.Blob, error) {
	w := share.Create()
	_, err := io.CopyN(w, r, maxBytes)
	if err == nil {
		if _, err = io.CopyN(io.Discard, r, 1); err == nil {
			err = tooLarge(maxBytes)
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		w.Abort()
		return nil, fmt.Errorf("spooling the data: %w", err)
	}
	blob, err := w.Done()
	return payloadBlob{blob, share, maxValue}, err
}

func tooLarge(maxBytes int64) error {
	return action.Errorf(action.TooLarge, "The data is larger than the destination accepts (%d MB).", maxBytes>>20)
}

// remote is a payload at a download URL, which can be read once.
type remote struct {
	url             string
	mime, extension string
	download        *Downloader
	share           *Share
	maxValue        int64
	meter           Meter
	opened          atomic.Bool
}

func (d *remote) Empty() bool          { return false }
func (d *remote) MaxValueBytes() int64 { return d.maxValue }
func (d *remote) MIME() string         { return d.mime }

func (d *remote) Extension() string { return strings.TrimPrefix(d.extension, ".") }

var errOpenedTwice = errors.New("payload: a download URL was opened twice, but can be read only once")

func (d *remote) Open(ctx context.Context) (io.ReadCloser, error) {
	r, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	return meteredReader{r, d.meter}, nil
}

func (d *remote) open(ctx context.Context) (io.ReadCloser, error) {
	if d.opened.Swap(true) {
		return nil, errOpenedTwice
	}
	return d.download.open(ctx, d.url)
}

func (d *remote) Spool(ctx context.Context, maxBytes int64) (action.Blob, error) {
	r, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return countBlob(d.meter)(spoolAll(d.share, r, maxBytes, d.maxValue))
}

// Store does not count bytes: the reader's source does.
func (d *remote) Store(r io.Reader, maxBytes int64) (action.Blob, error) {
	return spoolAll(d.share, r, maxBytes, d.maxValue)
}

func (d *remote) Table(ctx context.Context) (*action.Table, error) {
	r, err := d.Open(ctx)
	if err != nil {
		return nil, err
	}
	return countRows(d.meter)(decodeTable(r, d.share, d.maxValue))
}
