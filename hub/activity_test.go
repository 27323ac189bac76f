package hub

import (
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// A hub that no client has used for a minute drains at once; any other keeps accepting requests until
// load balancers have noticed.
func TestIdleHubDrainsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const configured = 10 * time.Second
		a := newActivity()
		check := func(when string, want time.Duration) {
			t.Helper()
			if got := a.drainDelay(configured); got != want {
				t.Errorf("%s: the delay is %s, want %s", when, got, want)
			}
		}
		check("just started", configured)
		time.Sleep(2 * time.Minute)
		check("never used", idleDrainDelay)

		client, server := net.Pipe()
		defer client.Close()
		a.connState(server, http.StateNew)
		a.connState(server, http.StateActive)
		time.Sleep(2 * time.Minute)
		check("a delivery runs", configured)
		a.connState(server, http.StateIdle)
		time.Sleep(2 * time.Minute)
		check("a client stays connected", configured)
		a.connState(server, http.StateClosed)
		check("the client has just left", configured)
		time.Sleep(2 * time.Minute)
		check("idle again", idleDrainDelay)
		if got := a.drainDelay(0); got != 0 {
			t.Errorf("without a drain delay: %s, want none", got)
		}
	})
}
