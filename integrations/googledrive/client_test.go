package googledrive_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/googledrive"
	"integrationhub.dev/integrations/internal/datafile/datafiletest"
	"integrationhub.dev/integrations/internal/google/googletest"
)

// before is a file that is there already.
func before() *googletest.File {
	return &googletest.File{ID: "before0001", Name: "orders.csv", MIME: "text/csv", Parent: "root", Content: []byte("before")}
}

func TestExisting(t *testing.T) {
	t.Parallel()
	large := string(content(3*googledrive.Piece + 5))
	for name, tt := range map[string]struct {
		overwrite, mime, content string
		before, after            int // files of the name
		want                     string
		message                  string
	}{
		"not asked": {mime: "text/csv", content: "new", before: 1, after: 2, want: "before"},
		"beside it": {
			overwrite: "no", mime: "text/csv", content: "new", before: 1, after: 2, want: "before",
		},
		"a new version": {
			overwrite: "yes", mime: "text/csv", content: "new", before: 1, after: 1, want: "new",
		},
		"a large one": {
			overwrite: "yes", mime: "text/csv", content: large, before: 1, after: 1, want: large,
		},
		"nothing to replace": {overwrite: "yes", mime: "text/csv", content: "new", after: 1, want: "new"},
		"another type of this name": {
			overwrite: "yes", mime: "application/pdf;base64", content: "new", before: 1, after: 2, want: "before",
		},
		"kept": {
			overwrite: "fail", mime: "text/csv", content: "new", before: 1, after: 1, want: "before",
			message: "A file with this name already exists and was not changed.",
		},
		"nothing to keep": {overwrite: "fail", mime: "text/csv", content: "new", after: 1, want: "new"},
		"an odd answer": {
			overwrite: "maybe", mime: "text/csv", content: "new", before: 1, after: 1, want: "before",
			message: `"overwrite" must be yes, no or fail.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := googletest.New(t)
			if tt.before > 0 {
				f.Files = append(f.Files, before())
			}
			req := actiontest.Inline(t, request(googletest.Fresh, map[string]string{"overwrite": tt.overwrite}), tt.mime, "csv", []byte(tt.content))
			_, err := resolved(t, f.Destination).Execute(t.Context(), req)
			if err == nil && tt.message != "" || err != nil && action.MessageOf(err) != tt.message {
				t.Fatalf("error %v", err)
			}
			all := f.Named("orders.csv")
			if len(all) != tt.after || string(all[0].Content) != tt.want || len(f.Uploads) != 0 {
				t.Errorf("%d files, the first of %d bytes; %d uploads", len(all), len(all[0].Content), len(f.Uploads))
			}
		})
	}
}

// Until a new version is whole, and when it never is, the one before stays.
func TestVersionBreaksOff(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		badSum  bool
		message string
	}{
		"at the source": {false, "The download from Looker ended before the data was complete."},
		"on its way":    {true, "The data was corrupted in transit to Google Drive. The previous version of the file is kept there."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := googletest.New(t)
			f.Files, f.BadSum = append(f.Files, before()), tt.badSum
			req := request(googletest.Fresh, map[string]string{"overwrite": "yes", "format": "csv"})
			if tt.badSum {
				served(t, req, []byte("new"))
			} else {
				actiontest.Download(t, req, actiontest.BrokenDownload(string(content(3*googledrive.Piece))))
			}
			_, err := resolved(t, f.Destination).Execute(t.Context(), req)
			if action.MessageOf(err) != tt.message || len(f.Named("orders.csv")) != 1 || len(f.Uploads) != 0 {
				t.Errorf("error %v; %d files, %d uploads", err, len(f.Named("orders.csv")), len(f.Uploads))
			}
			if !tt.badSum && string(f.Named("orders.csv")[0].Content) != "before" {
				t.Error("the version before is gone")
			}
		})
	}
}

func TestCompressed(t *testing.T) {
	t.Parallel()
	f := googletest.New(t)
	name := "orders " + time.Now().UTC().Format("2006")
	req := served(t, request(googletest.Fresh, map[string]string{"compression": "gzip", "filename": "orders {YYYY}"}), []byte("a,b\n"))
	if _, err := resolved(t, f.Destination).Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	made := f.Named(name + ".gz")
	if len(made) != 1 || made[0].MIME != "application/gzip" {
		t.Fatalf("files %+v", f.Files)
	}
	z, err := gzip.NewReader(bytes.NewReader(made[0].Content))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(z); err != nil || string(text) != "a,b\n" {
		t.Errorf("%q, %v", text, err)
	}
}

// The file is marked, compressed and encrypted, in this order.
func TestEncrypted(t *testing.T) {
	t.Parallel()
	f, key := googletest.New(t), datafiletest.NewKey(t)
	form := map[string]string{"compression": "gzip", "byte_order_mark": "yes", "pgp_public_keys": key.Public, "filename": "orders.csv", "format": "csv"}
	if _, err := resolved(t, f.Destination).Execute(t.Context(), served(t, request(googletest.Fresh, form), []byte("a,b\n"))); err != nil {
		t.Fatal(err)
	}
	made := f.Named("orders.csv.gz.pgp")
	if len(made) != 1 || made[0].MIME != "application/octet-stream" {
		t.Fatalf("files %+v", f.Files)
	}
	z, err := gzip.NewReader(strings.NewReader(key.Decrypt(t, bytes.NewReader(made[0].Content))))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(z); err != nil || string(text) != "\ufeffa,b\n" {
		t.Errorf("%q, %v", text, err)
	}
}
