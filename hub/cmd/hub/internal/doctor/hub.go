package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"integrationhub.dev/hub/cmd/hub/internal/looker"
)

// maxSkew is how far two clocks may be apart: a request's own time counts as well.
const maxSkew = time.Minute

func (d *Doctor) clock(ctx context.Context) Check {
	client, err := looker.New(d.options)
	if err != nil {
		return failed(err.Error(), "correct the command line")
	}
	d.client = client
	theirs, err := client.Clock(ctx)
	if err != nil {
		return failed(err.Error(), "check that a hub is running at this URL")
	}
	skew := d.now().Sub(theirs)
	if skew.Abs() <= maxSkew {
		return ok("the hub's clock matches this machine's")
	}
	direction := "behind"
	if skew < 0 {
		direction = "ahead of"
	}
	return failed(fmt.Sprintf("the hub's clock is %s %s this machine's", skew.Abs().Truncate(time.Second), direction),
		"synchronize both clocks (NTP): sign-ins, signed requests and certificates depend on them")
}

func (d *Doctor) token(ctx context.Context) Check {
	if d.options.Token == "" {
		return failed("no token is set", "set HUB_TOKEN to the token that Looker uses (see: hub token --help)")
	}
	list, _, err := d.client.List(ctx)
	if err != nil {
		return failed(err.Error(), "create a token from the hub's current service secret, and use it in Looker and here")
	}
	d.list = list
	return ok("the hub accepts the token")
}

func (d *Doctor) integrations(context.Context) Check {
	n := len(d.list.Integrations)
	if n == 0 {
		return failed("the hub has no integrations", "enable integrations and set their required settings; the hub's status page lists what is missing")
	}
	return ok(fmt.Sprintf("%s has %d integrations", d.list.Label, n))
}

// urls are where Looker sends deliveries: the hub makes them from its setting, not from the
// address that it is called by.
func (d *Doctor) urls(context.Context) Check {
	for _, i := range d.list.Integrations {
		if !strings.HasPrefix(i.URL, d.base.String()+"/") {
			return failed("the hub's list sends deliveries to "+i.URL,
				"set ACTION_HUB_BASE_URL (spec.baseURL) to the URL that is configured in Looker, "+d.base.String())
		}
	}
	return ok("deliveries go to the same URL")
}

// form asks for one that needs nothing entered.
func (d *Doctor) form(ctx context.Context) Check {
	for _, i := range d.list.Integrations {
		if i.FormURL == nil || needsSettings(i) {
			continue
		}
		kind := "query"
		if len(i.Types) > 0 {
			kind = string(i.Types[0])
		}
		form, _, err := d.client.Form(ctx, i.Name, looker.Envelope{Type: kind, Params: map[string]string{}, Fields: map[string]string{}})
		if err == nil && form.Error != "" {
			err = fmt.Errorf("the form of %s has an error: %s", i.Name, form.Error)
		}
		if err != nil {
			return failed(err.Error(), "see the hub's log")
		}
		return ok(fmt.Sprintf("the form of %s has %d fields", i.Name, len(form.Fields)))
	}
	return Check{Status: Skipped, Message: "not checked: every form requires settings in Looker"}
}

func needsSettings(i looker.Integration) bool {
	for _, p := range i.Params {
		if p.Required {
			return true
		}
	}
	return false
}
