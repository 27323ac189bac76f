package main

import (
	"bytes"
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// devHub is a development hub that runs in this process.
type devHub struct {
	// env is what commands that call it need.
	env map[string]string
	// greeting is what it printed.
	greeting string
	// home holds its environment for hub env.
	home string
	stop func() int
}

// startDevHub runs one on free ports until the test ends.
func startDevHub(t *testing.T, env map[string]string, flags ...string) *devHub {
	t.Helper()
	home := t.TempDir()
	all := map[string]string{"PORT": "0", "HOME": home, "ACTION_HUB_LOG_LEVEL": "error"}
	maps.Copy(all, env)
	ctx, cancel := context.WithCancel(t.Context())
	greeted := &firstWrite{done: make(chan struct{})}
	var stderr bytes.Buffer
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, append([]string{"serve", "--dev"}, flags...), process{out: greeted, err: &stderr, env: all})
		greeted.once.Do(func() { close(greeted.done) })
	}()
	stop := sync.OnceValue(func() int {
		cancel()
		return <-status
	})
	t.Cleanup(func() { stop() })
	<-greeted.done
	if greeted.text == "" {
		stop()
		t.Fatalf("the hub ended at once: %s", stderr.String())
	}
	printed := runHub(t, map[string]string{"HOME": home}, "", "env")
	if printed.Status != 0 {
		t.Fatalf("hub env: %+v", printed)
	}
	h := &devHub{env: map[string]string{}, greeting: greeted.text, home: home, stop: stop}
	for _, m := range regexp.MustCompile(`(?m)^export (\w+)=(.*)$`).FindAllStringSubmatch(printed.Out, -1) {
		h.env[m[1]] = strings.Trim(m[2], "'")
	}
	return h
}

type firstWrite struct {
	once sync.Once
	done chan struct{}
	text string
}

func (f *firstWrite) Write(p []byte) (int, error) {
	f.once.Do(func() {
		f.text = string(p)
		close(f.done)
	})
	return len(p), nil
}

// What integrations deliver to a developer's inbox can be looked at, and comes as it was sent.
func TestInbox(t *testing.T) {
	t.Parallel()
	h := startDevHub(t, nil)
	detail := `{"fields":{"dimensions":[{"name":"users.email","label":"Email"}]},"data":[{"users.email":{"value":"a@example.com"}}]}`
	for _, name := range []string{"webhook", "tray", "zapier"} {
		got := runHub(t, h.env, detail, "send", name, "--data", "-", "--field", "url="+h.env["HUB_INBOX"]+"/"+name)
		if got.Status != 0 || !strings.HasPrefix(got.Out, name+" delivered 117 B in ") {
			t.Errorf("hub send %s: %+v", name, got)
		}
	}
	list := runHub(t, h.env, "", "inbox")
	for _, want := range []string{"POST /webhook", "POST /tray", "POST /zapier", "application/json", "117 B"} {
		if !strings.Contains(list.Out, want) {
			t.Errorf("hub inbox lacks %q: %+v", want, list)
		}
	}
	if got := runHub(t, h.env, "", "inbox", "show", "--body"); got.Out != detail {
		t.Errorf("the body of the last delivery: %+v", got)
	}
	show := runHub(t, h.env, "", "inbox", "show", "2")
	for _, want := range []string{"#2", "POST /tray", "Email\na@example.com\n"} {
		if !strings.Contains(show.Out, want) {
			t.Errorf("hub inbox show lacks %q: %+v", want, show)
		}
	}
	for args, want := range map[string]string{
		"inbox show 99":  "hub: the inbox returned an error: The delivery does not exist. The inbox keeps only the last 100.\n",
		"inbox show two": "hub: \"two\" is not the ID of a delivery, which must be a number\nRun 'hub inbox show --help' for usage.\n",
		"inbox shwo":     "hub: unknown command shwo, did you mean show?\nRun 'hub inbox --help' for usage.\n",
	} {
		if got := runHub(t, h.env, "", strings.Fields(args)...); got.Err != want || got.Status == 0 {
			t.Errorf("hub %s: got %+v, want %q", args, got, want)
		}
	}
}

// The way to the inbox is open, and nothing beside it.
func TestInboxOpensNothingElse(t *testing.T) {
	t.Parallel()
	h := startDevHub(t, nil)
	other := startDevHub(t, nil)
	for _, test := range []struct{ name, integration, url, want string }{
		{"another port", "tray", other.env["HUB_INBOX"], "The hub's egress policy does not allow a connection to Tray."},
		{"another port", "webhook", other.env["HUB_INBOX"], "The hub's egress policy does not allow a connection to 127.0.0.1."},
		{"the hub itself", "webhook", h.env["HUB_URL"], "The hub's egress policy does not allow a connection to localhost."},
		{"another domain", "tray", "https://example.com/x", "Incorrect domain for url. It must belong to trayapp.io, integration-hook.com, 127.0.0.1."},
		{"the page", "webhook", h.env["HUB_INBOX_PAGE"], "The url must begin with https://."},
	} {
		got := runHub(t, h.env, "[]", "send", test.integration, "--data", "-", "--field", "url="+test.url)
		if want := "hub: " + test.integration + " did not deliver: " + test.want + "\n"; got.Status != exitFailed || got.Err != want {
			t.Errorf("%s by %s: got %+v, want %q", test.name, test.integration, got, want)
		}
	}
	if got := runHub(t, other.env, "", "inbox"); got.Out != "No deliveries yet.\n" {
		t.Errorf("the other hub's inbox: %+v", got)
	}
}

// The inbox is open beside whatever else a developer restricts, and opens nothing of that.
func TestInboxBesideRestrictions(t *testing.T) {
	t.Parallel()
	h := startDevHub(t, map[string]string{
		"WEBHOOK_ALLOWED_DOMAINS": "example.com", "TRAY_EXTRA_DOMAINS": "example.com",
		"ACTION_HUB_EGRESS_ALLOW_HOSTS": "example.com", "ACTION_HUB_EGRESS_ALLOW_PORTS": "443",
	})
	for _, name := range []string{"webhook", "tray"} {
		if got := runHub(t, h.env, "[]", "send", name, "--data", "-", "--field", "url="+h.env["HUB_INBOX"]); got.Status != 0 {
			t.Errorf("%s: %+v", name, got)
		}
		if got := runHub(t, h.env, "[]", "send", name, "--data", "-", "--field", "url=https://example.org"); !strings.Contains(got.Err, "example.com, 127.0.0.1.") {
			t.Errorf("%s to another domain: %+v", name, got)
		}
	}
}

// Followed, the inbox tells of each delivery as it arrives, until it is interrupted.
func TestFollowInbox(t *testing.T) {
	t.Parallel()
	h := startDevHub(t, nil)
	ctx, interrupt := context.WithCancel(t.Context())
	lines, status := make(chan string), make(chan int, 1)
	go func() {
		status <- run(ctx, []string{"inbox", "--follow"}, process{out: lineWriter(lines), err: io.Discard, env: h.env})
	}()
	for _, path := range []string{"/a", "/b"} {
		if got := runHub(t, h.env, "[]", "send", "webhook", "--data", "-", "--field", "url="+h.env["HUB_INBOX"]+path); got.Status != 0 {
			t.Fatalf("%+v", got)
		}
		if line := <-lines; !strings.Contains(line, "POST "+path) {
			t.Errorf("got %q, want the delivery to %s", line, path)
		}
	}
	interrupt()
	if got := <-status; got != 0 {
		t.Errorf("got status %d", got)
	}
}

// lineWriter hands over what is written.
type lineWriter chan<- string

func (l lineWriter) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// A development hub says how to call it, and takes back what it left when it stops.
func TestDevGreeting(t *testing.T) {
	t.Parallel()
	h := startDevHub(t, nil)
	for _, want := range []string{h.env["HUB_URL"], h.env["HUB_INBOX_PAGE"], filepath.Dir(h.env["HUB_CA_FILE"]) + "/env"} {
		if !strings.Contains(h.greeting, want) {
			t.Errorf("the greeting lacks %q:\n%s", want, h.greeting)
		}
	}
	if got := runHub(t, h.env, "", "list"); got.Status != 0 || !strings.Contains(got.Out, "\ntray ") {
		t.Errorf("hub list: %+v", got)
	}
	if status := h.stop(); status != 0 {
		t.Errorf("the hub ended with status %d", status)
	}
	if _, err := os.Stat(h.env["HUB_CA_FILE"]); err == nil {
		t.Error("the certificate stayed behind")
	}
	got := runHub(t, map[string]string{"HOME": h.home}, "", "env")
	if want := "hub: no development hub is running: start one with hub serve --dev\n"; got.Err != want || got.Status != exitFailed {
		t.Errorf("hub env after the end: %+v", got)
	}
	if got := runHub(t, h.env, "", "inbox"); !strings.HasPrefix(got.Err, "hub: the inbox is not responding: check that hub serve --dev is running") {
		t.Errorf("hub inbox after the end: %+v", got)
	}
}

// A port that is taken is named, with the way to choose another.
func TestPortInUse(t *testing.T) {
	t.Parallel()
	h := startDevHub(t, nil)
	_, port, _ := strings.Cut(strings.TrimPrefix(h.env["HUB_URL"], "https://"), ":")
	for _, test := range []struct {
		args string
		env  map[string]string
		want string
	}{
		{"serve --dev", map[string]string{"PORT": port}, "localhost:" + port + " is in use by another program: choose another port, as in PORT=9443 hub serve --dev (0 selects a free port)"},
		{"serve", map[string]string{
			"ACTION_HUB_LISTEN_ADDRESS": "127.0.0.1:" + port, "ACTION_HUB_BASE_URL": "https://x", "ACTION_HUB_LABEL": "x",
			"ACTION_HUB_SECRET": "a secret of sixteen or more", "ACTION_HUB_LOG_LEVEL": "error",
		}, "127.0.0.1:" + port + " is in use by another program: set PORT, ACTION_HUB_LISTEN_ADDRESS or ACTION_HUB_ADMIN_ADDRESS"},
	} {
		test.env["HOME"] = t.TempDir()
		if got := runHub(t, test.env, "", strings.Fields(test.args)...); got.Err != "hub: "+test.want+"\n" || got.Status != exitFailed {
			t.Errorf("hub %s: got %+v, want %q", test.args, got, test.want)
		}
	}
}
