package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"integrationhub.dev/hub/token"
)

// secret is the service secret of every hub that is started here.
const secret = "the secret of hubs under load"

// hubProcess is a hub, started as a user would.
type hubProcess struct {
	url, admin string
	token      string
	cmd        *exec.Cmd
	exited     chan struct{} // closed once the process is gone
}

// hubOptions say how a hub is started. The zero value speaks TLS, and delivers to this
// machine.
type hubOptions struct {
	program []string // with its arguments
	address string   // host:port; empty picks one
	plain   bool     // without TLS
	env     map[string]string
}

// startHub starts a hub and returns at once; see ready.
func (s *site) startHub(ctx context.Context, o hubOptions) (*hubProcess, error) {
	if o.address == "" {
		var err error
		if o.address, err = freeAddress(ctx); err != nil {
			return nil, err
		}
	}
	admin, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	minted, err := token.New([]byte(secret))
	if err != nil {
		return nil, err
	}
	h := &hubProcess{url: "https://" + o.address, admin: "http://" + admin, token: minted, exited: make(chan struct{})}
	if o.plain {
		h.url = "http://" + o.address
	}
	env := map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": os.Getenv("HOME"), "TMPDIR": s.dir,
		"ACTION_HUB_SECRET": secret, "ACTION_HUB_LABEL": "Load", "ACTION_HUB_BASE_URL": h.url,
		"ACTION_HUB_LISTEN_ADDRESS": o.address, "ACTION_HUB_ADMIN_ADDRESS": admin,
		"ACTION_HUB_CA_FILE": s.cert.certFile, "ACTION_HUB_SPOOL_DIR": s.dir,
		"ACTION_HUB_DRAIN_DELAY": "0s", "ACTION_HUB_DRAIN_TIMEOUT": "1m",
		"TRAY_EXTRA_DOMAINS": "localhost",
	}
	if !o.plain {
		env["ACTION_HUB_TLS_CERT_FILE"], env["ACTION_HUB_TLS_KEY_FILE"] = s.cert.certFile, s.cert.keyFile
	}
	maps.Copy(env, o.env)
	h.cmd = exec.Command(o.program[0], o.program[1:]...) //nolint:gosec,noctx // our own programs, which a scenario ends by itself
	for name, value := range env {
		h.cmd.Env = append(h.cmd.Env, name+"="+value)
	}
	log, err := os.OpenFile(s.log(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the hub's log: %w", err)
	}
	defer log.Close()
	h.cmd.Stderr = log
	if err := h.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the hub: %w", err)
	}
	go func() {
		_ = h.cmd.Wait() // how it ended is of no interest: every hub here is ended by a signal
		close(h.exited)
	}()
	return h, nil
}

// ready waits until the hub answers Looker.
func (h *hubProcess) ready(ctx context.Context, c *http.Client) error {
	for {
		answer, err := h.post(ctx, c, "/", "load", strings.NewReader("{}"))
		if err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
			return nil
		}
		select {
		case <-h.exited:
			return errors.New("the hub ended instead of answering: see hub.log")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// stop ends the hub with a signal and waits until it is gone.
func (h *hubProcess) stop(signal syscall.Signal) {
	_ = h.cmd.Process.Signal(signal) // it may be gone
	<-h.exited
}

// memory reads a line of /proc/PID/status, such as VmHWM, in bytes.
func (h *hubProcess) memory(line string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for l := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(l, line+":"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib << 10
		}
	}
	return 0
}

// cpuTime is the processor time that the process has spent, which other programs on the machine do not
// change as they change the time that passes. Source: proc(5), stat: utime and stime, in hundredths of a
// second on every platform of Linux that Go supports.
func (h *hubProcess) cpuTime() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", h.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, fields, _ := strings.Cut(string(text), ") ") // the program's name may have blanks
	var ticks int64
	for _, field := range strings.Fields(fields)[11:13] {
		n, _ := strconv.ParseInt(field, 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * (time.Second / 100)
}

// ownCPUTime is the processor time that this program has spent.
func ownCPUTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// resetPeak makes VmHWM count from now on (proc(5), clear_refs).
func (h *hubProcess) resetPeak() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", h.cmd.Process.Pid), []byte("5"), 0)
}

// ask reads a page of the hub's admin address. The caller closes its body.
func (h *hubProcess) ask(ctx context.Context, page string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.admin+page, nil)
	if err != nil {
		return nil, err
	}
	req.Close = true // a connection that is kept would itself be counted
	res, err := (&http.Client{Transport: &http.Transport{}}).Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking the hub for %s: %w", page, err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("the hub returned %s for %s", res.Status, page), res.Body.Close())
	}
	return res, nil
}

// collect makes the hub collect its garbage.
func (h *hubProcess) collect(ctx context.Context) error {
	res, err := h.ask(ctx, "/debug/pprof/heap?gc=1")
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return errors.Join(err, res.Body.Close())
}

// metric reads one of the hub's metrics. The name includes its labels.
func (h *hubProcess) metric(ctx context.Context, name string) (float64, error) {
	res, err := h.ask(ctx, "/metrics")
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("%w %s", errNoMetric, name)
}

// errNoMetric is the error for a metric that the hub does not have, or not yet.
var errNoMetric = errors.New("the hub has no metric")

// log is where all hubs write.
func (s *site) log() string { return filepath.Join(s.dir, "hub.log") }

// said returns the lines of the hubs' log that name a delivery.
func (s *site) said(id string) string {
	log, err := os.Open(s.log())
	if err != nil {
		return err.Error()
	}
	defer log.Close()
	var said strings.Builder
	lines := bufio.NewReader(log)
	for {
		line, err := lines.ReadString('\n')
		if strings.Contains(line, strconv.Quote(id)) || strings.HasSuffix(strings.TrimSpace(line), "="+id) || strings.Contains(line, "="+id+" ") {
			said.WriteString("\n    " + strings.TrimSpace(line))
		}
		if err != nil {
			return said.String()
		}
	}
}

func freeAddress(ctx context.Context) (string, error) {
	l, address, err := listen(ctx)
	if err != nil {
		return "", err
	}
	return address, l.Close()
}

// listen listens on a free port of this machine.
func listen(ctx context.Context) (l net.Listener, address string, err error) {
	if l, err = new(net.ListenConfig).Listen(ctx, "tcp", "localhost:0"); err != nil {
		return nil, "", fmt.Errorf("looking for a free port: %w", err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return l, "localhost:" + port, err
}
