package console

import (
	"fmt"
	"net/http"
	"net/url"

	client "integrationhub.dev/hub/cmd/hub/internal/looker"
)

// transport calls the hub and nothing else, because each request has the hub's token. A hub that lists
// other addresses gets an error. Looker would call them.
type transport struct{ hub *client.Client }

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	base, err := url.Parse(t.hub.URL())
	if err == nil && (r.URL.Scheme != base.Scheme || r.URL.Host != base.Host) {
		err = fmt.Errorf("the hub's list has URLs at %s, but the requests go to %s: set HUB_URL to the hub's base URL, "+
			"and HUB_CONNECT to the host:port at which it is reachable from this machine", r.URL.Host, base.Host)
	}
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	res, err := t.hub.Transport().RoundTrip(r)
	if err != nil {
		return nil, t.hub.Explain(err)
	}
	return res, nil
}
