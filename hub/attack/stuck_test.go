package attack_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// sshServer accepts any password and gives each SFTP session to f.
func sshServer(t *testing.T, f func(ssh.Channel)) (address string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return &ssh.Permissions{}, nil }}
	config.AddHostKey(signer)
	return serve(t, func(c net.Conn) {
		_, channels, requests, err := ssh.NewServerConn(c, config)
		if err != nil {
			return
		}
		go ssh.DiscardRequests(requests)
		for offered := range channels {
			channel, requests, err := offered.Accept()
			if err != nil {
				return
			}
			go func() {
				for r := range requests {
					_ = r.Reply(r.Type == "subsystem", nil)
				}
			}()
			go f(channel)
		}
	})
}

// mute reads what it is asked and never answers, as a server whose disk hangs.
func mute(c ssh.Channel) { _, _ = io.Copy(io.Discard, c) }

// neverCloses takes files and leaves its side of the channel open for good.
func neverCloses(c ssh.Channel) {
	server := sftp.NewRequestServer(openEnded{c}, sftp.InMemHandler())
	_ = server.Serve()
}

type openEnded struct{ ssh.Channel }

func (openEnded) Close() error { return nil }

// Servers that hang take neither the places of the hub's other deliveries nor its shutdown.
func TestSFTPServerHangs(t *testing.T) {
	for name, session := range map[string]func(ssh.Channel){"mute": mute, "never closes": neverCloses} {
		t.Run(name, func(t *testing.T) {
			address := sshServer(t, session)
			h := start(t, map[string]string{
				"SFTP_TRUST_ON_FIRST_USE": "true", "ACTION_HUB_DELIVERY_TIMEOUT": "3s", "ACTION_HUB_DRAIN_TIMEOUT": "20s",
				"ACTION_HUB_MAX_DELIVERIES": "4", "ACTION_HUB_MAX_QUEUED_DELIVERIES": "1",
			})
			d := delivery{name: "sftp", form: map[string]string{"address": "sftp://" + address + "/", "username": "u", "password": "p", "filename": "f"}, data: "a,b\n1,2\n"}
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					got, err := h.deliver(t.Context(), d)
					if err != nil || got.Status != http.StatusOK {
						t.Errorf("answer %+v, %v", got, err)
					}
				})
			}
			wg.Wait()
			if got := h.must(delivery{name: "debug", form: map[string]string{"sleep": "1"}, data: "x"}); !got.Success {
				t.Errorf("another delivery: %+v", got)
			}
			if err := h.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-h.ended:
				h.ended <- err
				if err != nil {
					t.Errorf("the hub ended with %v: %s", err, h.logText())
				}
			case <-time.After(time.Minute):
				t.Error("the hub does not end")
			}
		})
	}
}
