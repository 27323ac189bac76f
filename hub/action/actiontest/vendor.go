package actiontest

import (
	"testing"

	"integrationhub.dev/hub/action/actiontest/vendorapi"
)

// checkAtEnd checks, when the test ends, every request that arrived against the vendor's own
// description.
func (d *Destination) checkAtEnd(t testing.TB) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.checked {
		return
	}
	d.checked = true
	t.Cleanup(func() {
		t.Helper()
		var requests []vendorapi.Request
		for _, r := range d.Requests() {
			requests = append(requests, vendorapi.Request{
				Method: r.Method, Host: r.Host, Path: r.Path, Query: r.Query, Header: r.Header, Body: r.Body, Broken: r.Broken,
			})
		}
		vendorapi.Check(t, requests)
	})
}
