package attack_test

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
)

// A receiver that has taken all of the data and answers 200 has it, whatever becomes of the rest
// of its response.
func TestReceiverHangsUpAfterItsAnswer(t *testing.T) {
	file, cert := certificate(t)
	for name, answer := range map[string]string{
		"broken off": "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"ok\":true}",
		"in chunks":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"ok",
		"bad gzip":   "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
	} {
		t.Run(name, func(t *testing.T) {
			address := serve(t, func(c net.Conn) {
				s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
				if err := readUntil(s, "1,2\n"); err == nil {
					_, _ = io.WriteString(s, answer)
				}
				_ = s.Close()
			})
			_, port, _ := net.SplitHostPort(address)
			h := start(t, map[string]string{"ACTION_HUB_CA_FILE": file})
			if got := h.must(delivery{name: "webhook", form: map[string]string{"url": "https://localhost:" + port + "/x"}, data: "a,b\n1,2\n"}); !got.Success {
				t.Errorf("answer %+v\n%s", got, h.logText())
			}
		})
	}
}

func readUntil(r io.Reader, end string) error {
	var seen strings.Builder
	b := make([]byte, 4096)
	for {
		n, err := r.Read(b)
		seen.Write(b[:n])
		if strings.Contains(seen.String(), end) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
