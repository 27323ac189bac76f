package payload_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/payload"
)

// openPiped opens a download whose source is in memory: it sends data, and ends once end is closed.
func openPiped(ctx context.Context, t *testing.T, end <-chan struct{}) io.ReadCloser {
	t.Helper()
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			defer there.Close()
			if _, err := http.ReadRequest(bufio.NewReader(there)); err != nil {
				return
			}
			_, _ = io.WriteString(there, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\na,b\n\r\n")
			<-end
			_, _ = io.WriteString(there, "0\r\n\r\n")
		}()
		return here, nil
	}}
	t.Cleanup(transport.CloseIdleConnections)
	e := decode(t, `{"scheduled_plan":{"download_url":"http://looker.example.com/d"}}`) //nolint:contextcheck // it does not wait
	r, err := e.Data(&payload.Downloader{Client: &http.Client{Transport: transport}, Timeout: time.Minute}).Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A body that was read to its end stays at its end, whatever ends after it; one that is closed or
// cancelled before says so, and is not taken for a source that broke off.
func TestDownloadIsClosed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(r io.Closer, cancel func())
		want error // of the last read
	}{
		{"read again", func(io.Closer, func()) {}, io.EOF},
		{"cancelled after its end", func(_ io.Closer, cancel func()) { cancel() }, io.EOF},
		{"long after its end", func(io.Closer, func()) { time.Sleep(time.Hour) }, io.EOF},
		{"closed after its end, twice", func(r io.Closer, _ func()) { _, _ = r.Close(), r.Close() }, context.Canceled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				end := make(chan struct{})
				close(end)
				r := openPiped(ctx, t, end)
				if text, err := io.ReadAll(r); err != nil || string(text) != "a,b\n" {
					t.Fatalf("%q, %v", text, err)
				}
				tt.do(r, cancel)
				if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, tt.want) {
					t.Errorf("%d, %v, want %v", n, err, tt.want)
				}
				_ = r.Close()
			})
		})
	}
	for name, end := range map[string]func(r io.Closer, cancel func()){
		"closed before its end":    func(r io.Closer, _ func()) { _ = r.Close() },
		"cancelled before its end": func(_ io.Closer, cancel func()) { cancel() },
	} {
		for _, waiting := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					more := make(chan struct{})
					r := openPiped(ctx, t, more)
					if _, err := io.ReadFull(r, make([]byte, 4)); err != nil {
						t.Fatal(err)
					}
					read := make(chan error, 1)
					next := func() {
						_, err := r.Read(make([]byte, 1))
						read <- err
					}
					if waiting {
						go next()
						synctest.Wait()
					}
					end(r, cancel)
					if !waiting {
						next()
					}
					err := <-read
					if !errors.Is(err, context.Canceled) || strings.Contains(action.MessageOf(err), "ended before") {
						t.Errorf("the read ended with %v", err)
					}
					close(more)
					_ = r.Close()
				})
			})
		}
	}
}

// The timeout of a read that has ended does not end the next one.
func TestDownloadTimesEachRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		more := make(chan struct{})
		r := openPiped(t.Context(), t, more)
		defer r.Close()
		for range 4 {
			if _, err := io.ReadFull(r, make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour) // the destination takes its time, which is not the source's
		}
		go func() {
			time.Sleep(time.Minute - time.Nanosecond)
			close(more)
		}()
		if _, err := r.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("the end came in time, and the read ended with %v", err)
		}
	})
}
