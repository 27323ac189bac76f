package spooled_test

import (
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/datafile/datafiletest"
	"integrationhub.dev/integrations/internal/spooled"
)

func request(t *testing.T, form map[string]string, content string) *action.Request {
	t.Helper()
	return actiontest.Inline(t, actiontest.Query(nil, form), "text/csv", "csv", []byte(content))
}

func TestFetch(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("a,b\n", 1000)
	type file struct{ Name, Type, Content string }
	for name, tt := range map[string]struct {
		form map[string]string
		want file
	}{
		"plain":      {map[string]string{"filename": "f.csv"}, file{"f.csv", "text/csv", content}},
		"compressed": {map[string]string{"filename": "f.csv", "compression": "gzip"}, file{"f.csv.gz", "application/gzip", content}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := spooled.Fetch(t.Context(), request(t, tt.form, content), "Acme", 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for range 2 {
				sent := read(t, f)
				if got := int64(len(sent)); got != f.Size {
					t.Errorf("%d bytes, but the size is %d", got, f.Size)
				}
				if diff := cmp.Diff(tt.want, file{f.Name, f.ContentType, plain(t, f.Name, sent)}); diff != "" {
					t.Errorf("file (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// Each encryption has a different result. The size and the checksum that a destination is given must be those of what it
// gets, also in a second attempt.
func TestFetchEncrypted(t *testing.T) {
	t.Parallel()
	key := datafiletest.NewKey(t)
	content := strings.Repeat("a,b\n", 1000)
	form := map[string]string{"filename": "f.csv", "compression": "gzip", "pgp_public_keys": key.Public}
	f, err := spooled.Fetch(t.Context(), request(t, form, content), "Acme", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	first, second := read(t, f), read(t, f)
	if first != second {
		t.Error("two readers get different content")
	}
	if got := int64(len(first)); got != f.Size {
		t.Errorf("%d bytes, but the size is %d", got, f.Size)
	}
	if f.Name != "f.csv.gz.pgp" {
		t.Errorf("name %s", f.Name)
	}
	if got := plain(t, "f.csv.gz", key.Decrypt(t, strings.NewReader(first))); got != content {
		t.Errorf("decrypted: %d bytes, want %d", len(got), len(content))
	}
}

func read(t *testing.T, f *spooled.File) string {
	t.Helper()
	src, err := f.Data.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	content, err := io.ReadAll(src)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func plain(t *testing.T, name, content string) string {
	t.Helper()
	if !strings.HasSuffix(name, ".gz") {
		return content
	}
	z, err := gzip.NewReader(strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFetchFails(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1000)
	for name, tt := range map[string]struct {
		req  *action.Request
		kind action.Kind
	}{
		"no data":       {actiontest.Query(nil, map[string]string{"filename": "f"}), action.Invalid},
		"too large":     {request(t, map[string]string{"filename": "f"}, long), action.TooLarge},
		"invalid names": {request(t, map[string]string{"filename": "a/../b"}, "a"), action.Invalid},
		"breaks off":    {actiontest.Download(t, actiontest.Query(nil, map[string]string{"filename": "f"}), actiontest.BrokenDownload("a")), action.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := spooled.Fetch(t.Context(), tt.req, "Acme", 100); action.KindOf(err) != tt.kind {
				t.Errorf("error %v, want the kind %v", err, tt.kind)
			}
		})
	}
}
