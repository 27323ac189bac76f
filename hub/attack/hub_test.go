package attack_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/selfsigned"
	"integrationhub.dev/hub/telemetry"
	"integrationhub.dev/hub/token"
	"integrationhub.dev/integrations"
)

// asHub makes this test's program run as a hub, from its environment.
const asHub = "ATTACK_AS_HUB"

func TestMain(m *testing.M) {
	if os.Getenv(asHub) != "" {
		if err := runHub(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func runHub() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	env := map[string]string{}
	for _, e := range os.Environ() {
		name, value, _ := strings.Cut(e, "=")
		env[name] = value
	}
	cfg, err := config.Load(env)
	if err != nil {
		return err
	}
	o := hub.Options{Config: cfg, Env: env, AllowLoopback: true, Log: telemetry.NewLogger(os.Stderr, cfg), Started: func(a net.Addr) {
		fmt.Println(a)
	}}
	o.Integrations = integrations.All()
	return hub.Run(ctx, o)
}

// full says that inputs have their full size.
var full = os.Getenv("ATTACK") == "full"

// sized picks the size of an input.
func sized(small, large int) int {
	if full {
		return large
	}
	return small
}

const secret = "the secret of an attacked hub"

// process is a hub that runs by itself.
type process struct {
	t     *testing.T
	url   string
	token string
	cmd   *exec.Cmd
	ended chan error
	log   string
}

// start starts a hub and returns once it answers.
func start(t *testing.T, env map[string]string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	minted, err := token.New([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	h := &process{t: t, token: minted, ended: make(chan error, 1), log: filepath.Join(dir, "log")}
	all := map[string]string{
		asHub: "true", "PATH": os.Getenv("PATH"), "HOME": dir, "ACTION_HUB_BASE_URL": "http://localhost", "ACTION_HUB_LABEL": "Attacked", "ACTION_HUB_SECRET": secret,
		"ACTION_HUB_LISTEN_ADDRESS": "127.0.0.1:0", "ACTION_HUB_ADMIN_ADDRESS": "127.0.0.1:0", "ACTION_HUB_SPOOL_DIR": dir,
		"ACTION_HUB_DRAIN_DELAY": "0s", "ACTION_HUB_DEBUG_ENDPOINT": "x", "CHILD_TEST": "true", "GOMEMLIMIT": "200MiB",
	}
	maps.Copy(all, env)
	h.cmd = exec.Command(self, "-test.run=^$")
	for name, value := range all {
		h.cmd.Env = append(h.cmd.Env, name+"="+value)
	}
	log, err := os.Create(h.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	h.cmd.Stderr = log
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 64)
	n, _ := out.Read(line)
	go func() {
		_, _ = io.Copy(io.Discard, out)
		h.ended <- h.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = h.cmd.Process.Kill()
		<-h.ended
	})
	if n == 0 {
		t.Fatalf("the hub did not start: %s", h.logText())
	}
	h.url = "http://" + strings.TrimSpace(string(line[:n]))
	return h
}

func (h *process) logText() string {
	b, _ := os.ReadFile(h.log)
	return string(b)
}

// peak is the most memory that the process ever had, in MiB (VmHWM, proc_pid_status(5)).
func (h *process) peak() int {
	h.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.cmd.Process.Pid))
	if err != nil {
		h.t.Fatalf("the hub is gone: %v\n%s", err, h.logText())
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(b)
	if m == nil {
		h.t.Skip("this system does not tell a process's peak memory")
	}
	kb, _ := strconv.Atoi(string(m[1]))
	return kb >> 10
}

// delivery is a request as Looker makes it.
type delivery struct {
	name         string
	params, form map[string]string
	url, data    string // where the data waits, or the data
}

func (d delivery) envelope() []byte {
	e := map[string]any{"type": "query", "data": d.params, "form_params": d.form}
	if d.url != "" {
		e["scheduled_plan"] = map[string]string{"download_url": d.url, "url": "https://looker.example.com/looks/1"}
	} else {
		e["attachment"] = map[string]string{"mimetype": "text/csv", "extension": "csv", "data": d.data}
	}
	b, _ := json.Marshal(e) // maps of strings
	return b
}

// outcome is what Looker reads of an answer.
type outcome struct {
	Status  int
	Success bool
	Message string
}

// deliver has the hub deliver, and returns an error when it does not answer.
func (h *process) deliver(ctx context.Context, d delivery) (outcome, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+"/actions/"+d.name+"/execute", bytes.NewReader(d.envelope()))
	if err != nil {
		return outcome{}, err
	}
	h.sign(req)
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return outcome{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return outcome{}, err
	}
	var answer struct {
		Looker outcome
		Error  string
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return outcome{}, fmt.Errorf("the answer %q: %w", body, err)
	}
	answer.Looker.Status = res.StatusCode
	if answer.Error != "" {
		answer.Looker.Message = answer.Error
	}
	return answer.Looker, nil
}

func (h *process) sign(req *http.Request) {
	req.Header.Set("Authorization", `Token token="`+h.token+`"`)
	req.Header.Set("User-Agent", "LookerOutgoingWebhook/24.20.41")
	req.Header.Set("Content-Type", "application/json")
}

// must is deliver for attacks that the hub has to answer.
func (h *process) must(d delivery) outcome {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 5*time.Minute)
	defer cancel()
	got, err := h.deliver(ctx, d)
	if err != nil {
		h.t.Fatalf("the hub did not answer: %v\n%s", err, h.logText())
	}
	return got
}

// bystander begins a delivery that has nothing to do with the attack. The function that it
// returns waits for its end, and fails the test unless it was delivered.
func (h *process) bystander(seconds int) (wait func()) {
	h.t.Helper()
	done := make(chan error, 1)
	d := delivery{name: "debug", form: map[string]string{"sleep": strconv.Itoa(seconds * 1000)}, data: "a,b\n1,2\n"}
	go func() {
		got, err := h.deliver(h.t.Context(), d)
		if err == nil && !got.Success {
			err = fmt.Errorf("%+v", got)
		}
		done <- err
	}()
	return func() {
		h.t.Helper()
		if err := <-done; err != nil {
			h.t.Errorf("the bystander's delivery was lost: %v\n%s", err, h.logText())
		}
	}
}

// certificate is a self-signed one for localhost, as files and for a server.
func certificate(t *testing.T) (file string, server tls.Certificate) {
	t.Helper()
	c, err := selfsigned.New("localhost")
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, c.CertPEM, 0o600); err != nil {
		t.Fatal(err)
	}
	return file, c.Pair
}

// serve gives each connection to f, until the test ends.
func serve(t *testing.T, f func(net.Conn)) (address string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				stop := context.AfterFunc(t.Context(), func() { _ = c.Close() })
				defer stop()
				f(c)
			}()
		}
	}()
	return l.Addr().String()
}

func init() { slog.SetDefault(slog.New(slog.DiscardHandler)) }
