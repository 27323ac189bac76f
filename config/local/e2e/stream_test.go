//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// losesNothing has a steady stream of executes go on while something is done to the hub. None
// may be lost, doubled or refused.
func losesNothing(t *testing.T, l *looker, hook string, do func()) {
	t.Helper()
	losesNothingBy(t, l, hook, func(ctx context.Context, l *looker, data []byte) (outcome, error) {
		return l.execute(ctx, hook, inline(data))
	}, do)
}

// losesNothingBy is losesNothing for an integration that delivers to a hook of the receiver.
func losesNothingBy(t *testing.T, l *looker, hook string, execute func(context.Context, *looker, []byte) (outcome, error), do func()) {
	t.Helper()
	var sent atomic.Int64
	var mu sync.Mutex
	var failures []string
	stop := make(chan struct{})
	var workers sync.WaitGroup
	for n := range 6 {
		workers.Go(func() {
			mine := *l
			if n%2 == 0 { // half of them connect anew each time
				transport := l.http.Transport.(*http.Transport).Clone()
				transport.DisableKeepAlives = true
				mine.http = &http.Client{Transport: transport, Timeout: time.Minute}
			}
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-time.After(20 * time.Millisecond):
				}
				o, err := execute(t.Context(), &mine, fmt.Appendf(nil, `{"n":"%d-%d"}`, n, i))
				if err != nil || !o.Success {
					mu.Lock()
					failures = append(failures, fmt.Sprintf("%d-%d: %+v %v", n, i, o, err))
					mu.Unlock()
					continue
				}
				sent.Add(1)
			}
		})
	}
	do()
	drained(t)
	select { // some executes more, which meet the pods that are left
	case <-time.After(time.Second):
	case <-t.Context().Done():
	}
	close(stop)
	workers.Wait()
	if len(failures) > 0 {
		t.Errorf("%d of %d executes failed, the first: %s", len(failures), int(sent.Load())+len(failures), failures[0])
		logFailures(t)
	}
	seen := map[string]int{}
	for _, d := range l.arrivals(t, hook) {
		seen[string(d.Body)]++
	}
	if int64(len(seen)) != sent.Load() {
		t.Errorf("%d different deliveries arrived, %d were answered as delivered", len(seen), sent.Load())
	}
	for body, n := range seen {
		if n != 1 {
			t.Errorf("%s arrived %d times", body, n)
		}
	}
	t.Logf("%d executes meanwhile", sent.Load())
}

// drained waits until the hub's pods that terminate are gone. Until then they accept requests that still come
// their way.
func drained(t *testing.T) {
	t.Helper()
	eventually(t, 2*time.Minute, func() string {
		for _, p := range hubPods(t) {
			if p.DeletionTimestamp != nil {
				return "pod " + p.Name + " is terminating"
			}
		}
		return ""
	})
}

// maxLoggedFailures is how many lines of each pod's log are shown.
const maxLoggedFailures = 3

// logFailures shows where the hub's pods run and why their deliveries failed, which Looker is not told.
func logFailures(t *testing.T) {
	t.Helper()
	kubectlOutput := func(args ...string) []byte {
		out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "kubectl", args...).CombinedOutput()
		if err != nil {
			t.Logf("kubectl %v: %v", args, err)
		}
		return out
	}
	t.Logf("%s", kubectlOutput("get", "pods", "-A", "-o", "wide"))
	for _, pod := range hubPods(t) {
		shown := 0
		for line := range bytes.Lines(kubectlOutput("-n", pod.Namespace, "logs", pod.Name, "--since=5m")) {
			if bytes.Contains(line, []byte("tray")) && !bytes.Contains(line, []byte("delivered")) && shown < maxLoggedFailures {
				t.Logf("%s on %s: %s", pod.Name, pod.Spec.NodeName, line)
				shown++
			}
		}
	}
}
