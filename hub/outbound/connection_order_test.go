package outbound

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// A request whose body breaks off gets the connection of one whose response is about to be
// returned. The other request has its response nevertheless, and not the error.
func TestErrorOfTheNextRequestOnAConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dial := func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			go func() {
				defer there.Close()
				for r := bufio.NewReader(there); ; {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					if _, err := io.Copy(io.Discard, req.Body); err != nil {
						return
					}
					_, _ = io.WriteString(there, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				}
			}()
			return here, nil
		}
		c := Options{}.connections(func(t *http.Transport) { t.DialContext = dial })
		defer c.CloseIdleConnections()
		send := func(ctx context.Context, body io.Reader) error {
			req, err := http.NewRequestWithContext(WithFreshConnection(ctx), http.MethodPost, "http://there/", io.MultiReader(body))
			if err != nil {
				return err
			}
			res, err := c.RoundTrip(req)
			if err == nil {
				_ = res.Body.Close()
			}
			return err
		}
		broken := errors.New("broken")
		next := make(chan error, 1)
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{PutIdleConn: func(error) {
			go func() { next <- send(t.Context(), io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken))) }()
			time.Sleep(time.Second) // until the next request has ended, or waits
		}})
		if err := send(ctx, strings.NewReader("whole")); err != nil {
			t.Errorf("the request that was answered: %v", err)
		}
		if err := <-next; !errors.Is(err, broken) {
			t.Errorf("the next request: %v", err)
		}
	})
}
