package objectstore_test

import (
	"compress/gzip"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/datafile/datafiletest"
	"integrationhub.dev/integrations/internal/objectstore"
)

// A file is marked, compressed and encrypted, in this order.
func TestConversions(t *testing.T) {
	t.Parallel()
	key := datafiletest.NewKey(t)
	d, err := objectstore.Read(actiontest.Inline(t, actiontest.Query(nil, map[string]string{
		"filename": "orders.csv", "byte_order_mark": "yes", "compression": "gzip", "pgp_public_keys": key.Public,
	}), "text/csv", "csv", []byte("ä,b\n")), "the store")
	if err != nil {
		t.Fatal(err)
	}
	src, err := d.Data.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	z, err := gzip.NewReader(strings.NewReader(key.Decrypt(t, src)))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || string(got) != "\ufeffä,b\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

// What becomes of an object's name. In a bubble of synctest it is midnight, 1 January 2000.
func TestNames(t *testing.T) {
	t.Parallel()
	publicKey := datafiletest.NewKey(t).Public
	for _, tt := range []struct {
		name              string
		form              map[string]string
		want, mime, error string
	}{
		{"to the letter", map[string]string{"filename": " Orders {x} 100%.CSV"}, " Orders {x} 100%.CSV", "text/csv", ""},
		{"suggested", map[string]string{"path": "/daily/"}, "daily/Orders by day.csv", "text/csv", ""},
		{"dates", map[string]string{"path": "{YYYY}/{MM}/{DD}", "filename": "{date}T{HH}{mm}{ss} {YYYYMMDD}.csv"}, "2000/01/01/2000-01-01T000000 20000101.csv", "text/csv", ""},
		{"stamped", map[string]string{"filename": "v1.0/orders.csv", "overwrite": "no"}, "v1.0/orders_946684800000.csv", "text/csv", ""},
		{"stamped without an extension", map[string]string{"filename": "v1.0/orders", "overwrite": "no"}, "v1.0/orders_946684800000", "text/csv", ""},
		{"compressed", map[string]string{"filename": "orders.csv", "compression": "gzip", "overwrite": "no"}, "orders_946684800000.csv.gz", "application/gzip", ""},
		{"encoded", map[string]string{"filename": "orders.csv", "compression": "encoding"}, "orders.csv", "text/csv", ""},
		{"dates of a time zone", map[string]string{"path": "{YYYY}", "filename": "{date}T{HH}.csv", "time_zone": "America/New_York"}, "1999/1999-12-31T19.csv", "text/csv", ""},
		{"encrypted", map[string]string{"filename": "orders.csv", "pgp_public_keys": publicKey}, "orders.csv.pgp", "application/octet-stream", ""},
		{"encrypted as text", map[string]string{"filename": "orders.csv", "pgp_public_keys": publicKey, "pgp_format": "armored"}, "orders.csv.asc", "application/octet-stream", ""},
		{"encrypted, compressed, stamped", map[string]string{"filename": "orders.csv.pgp", "pgp_public_keys": publicKey, "compression": "gzip", "overwrite": "no"}, "orders_946684800000.csv.gz.pgp", "application/octet-stream", ""},
		{"encrypted, suggested", map[string]string{"pgp_public_keys": publicKey}, "Orders by day.csv.pgp", "application/octet-stream", ""},
		{"encrypted and encoded", map[string]string{"filename": "orders.csv", "pgp_public_keys": publicKey, "compression": "encoding"}, "", "", "An encrypted file has no content encoding. Choose gzip, which compresses it before it is encrypted."},
		{"no time zone", map[string]string{"filename": "a", "time_zone": "Berlin"}, "", "", `"time_zone" must be the name of a time zone in the IANA database, such as Europe/Berlin or America/New_York.`},
		{"too long with its extension", map[string]string{"filename": strings.Repeat("x", 1022), "compression": "gzip"}, "", "", "The object's name, with its path, is longer than the 1,024 bytes that the store allows."},
		{"no text", map[string]string{"filename": "a\xff"}, "", "", "The object's name must not contain control characters."},
		{"only a path", map[string]string{"filename": "/"}, "", "", "Couldn't determine filename."},
		{"odd answers", map[string]string{"overwrite": "maybe", "compression": "zip"}, "", "", `"overwrite" must be yes, no or fail. "compression" must be none, gzip or encoding.`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req := actiontest.Inline(t, actiontest.Query(nil, tt.form), "text/csv", "csv", []byte("1"))
			synctest.Test(t, func(t *testing.T) {
				d, err := objectstore.Read(req, "the store")
				if tt.error != "" {
					if action.KindOf(err) != action.Invalid || action.MessageOf(err) != tt.error {
						t.Errorf("error %v, want %q", err, tt.error)
					}
					return
				}
				if diff := cmp.Diff([]string{tt.want, tt.mime}, []string{d.Name, d.ContentType}); err != nil || diff != "" {
					t.Errorf("%v; name and type (-want +got):\n%s", err, diff)
				}
			})
		})
	}
}

func compressed(t *testing.T, req *action.Request) action.Data {
	t.Helper()
	req.Form["compression"] = "gzip"
	d, err := objectstore.Read(req, "the store")
	if err != nil {
		t.Fatal(err)
	}
	return d.Data
}

func TestCompression(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 100_000} {
		text := strings.Repeat("x", size)
		src, err := compressed(t, actiontest.Inline(t, actiontest.Query(nil, nil), "text/csv", "csv", []byte(text))).Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(src)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(z)
		if err != nil || string(got) != text {
			t.Errorf("%d bytes of %d, %v", len(got), size, err)
		}
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Data that breaks off is never compressed as if it were whole, and a reader that gives up
// leaves nothing running.
func TestCompressionEnds(t *testing.T) {
	t.Parallel()
	req := actiontest.Download(t, actiontest.Query(nil, nil), actiontest.BrokenDownload(strings.Repeat("x", 100_000)))
	src, err := compressed(t, req).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err = io.ReadAll(src); action.KindOf(err) != action.Unavailable {
		t.Errorf("error %v", err)
	}
	_ = src.Close()

	synctest.Test(t, func(t *testing.T) { // it fails if a goroutine stays
		data := endless{}
		req := actiontest.Query(nil, map[string]string{"filename": "x"})
		req.Data = data
		src, err := compressed(t, req).Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, src, 1000); err != nil {
			t.Error(err)
		}
		_ = src.Close()
		if _, err := src.Read(make([]byte, 1)); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("error %v", err)
		}
	})
}

// endless is data without an end.
type endless struct{ action.Data }

func (endless) MIME() string      { return "text/csv" }
func (endless) Extension() string { return "csv" }
func (endless) Open(context.Context) (io.ReadCloser, error) {
	return io.NopCloser(rand.Reader), nil
}
