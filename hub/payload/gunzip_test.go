package payload_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/payload"
)

// zipped compresses a text.
func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCompressedDownload(t *testing.T) { // by itself: other tests measure memory
	var rows strings.Builder
	for i := range 1_000_000 {
		fmt.Fprintf(&rows, "%d,order %d,paid\n", i, i*7)
	}
	whole := zipped(t, rows.String())
	damaged := bytes.Clone(whole)
	damaged[len(damaged)-5] ^= 1
	for name, tt := range map[string]struct {
		body []byte
		kind action.Kind
		fine bool
	}{
		"a result":         {whole, 0, true},
		"cut short":        {whole[:len(whole)/2], action.Unavailable, false},
		"damaged":          {damaged, action.Unavailable, false},
		"no gzip":          {[]byte("a,b\n"), action.Unavailable, false},
		"nothing":          {nil, action.Unavailable, false},
		"a byte, repeated": {zipped(t, strings.Repeat("A", 64<<20)), action.TooLarge, false},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				_, _ = w.Write(tt.body)
			}))
			t.Cleanup(srv.Close)
			client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
			t.Cleanup(client.CloseIdleConnections)
			r, err := decode(t, `{"scheduled_plan":{"download_url":"`+srv.URL+`"}}`).Data(&payload.Downloader{Client: client, Timeout: time.Minute}).Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			n, err := io.Copy(io.Discard, r)
			if tt.fine && (err != nil || n != int64(rows.Len())) {
				t.Errorf("%d of %d bytes, %v", n, rows.Len(), err)
			}
			if !tt.fine && (err == nil || action.KindOf(err) != tt.kind) {
				t.Errorf("%d bytes, error %v", n, err)
			}
		})
	}
}
