package customerio

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/choice"
)

// name is the destination's name in messages.
const name = "Customer.io"

// region is where the account is. A US account is unknown in the EU. The calls of an EU account to the US are redirected,
// but pass through the US: https://docs.customer.io/api/track/
type region string

const (
	us region = "us"
	eu region = "eu"
)

var hosts = map[region]string{us: "https://track.customer.io", eu: "https://track-eu.customer.io"}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (r *region) UnmarshalText(text []byte) error {
	return choice.Parse(r, strings.ToLower(string(text)), us, eu)
}

// timeout limits one call.
const timeout = 30 * time.Second

// envelope is more than the bytes of a call besides its records.
const envelope = 100

// client calls the Track API for one workspace.
type client struct {
	http    *http.Client
	account account
}

func (c client) api() outbound.API {
	return outbound.API{
		Name: name, Base: hosts[cmp.Or(c.account.Region, us)], Client: c.http, Timeout: timeout, Explain: explain,
		Authorize: func(req *http.Request) {
			req.SetBasicAuth(strings.TrimSpace(c.account.SiteID), strings.TrimSpace(c.account.APIKey.Reveal()))
		},
	}
}

// response is the response to a batch. It is an empty object if all records were accepted (200), and lists the others
// (207).
type response struct {
	Errors []recordError `json:"errors"`
}

// recordError is why a record was rejected.
type recordError struct {
	Index   *int   `json:"batch_index"`
	Reason  string `json:"reason"`
	Field   string `json:"field"`
	Message string `json:"message"`
}

// send sends records in one call: https://docs.customer.io/api/track/#operation/batch. Its error may be about some of them.
func (c client) send(ctx context.Context, batch []record) error {
	texts := make([][]byte, len(batch))
	for i, r := range batch {
		texts[i] = r.text
	}
	body := fmt.Appendf(nil, `{"batch":[%s]}`, bytes.Join(texts, []byte(",")))
	var res response
	if err := c.api().Call(ctx, http.MethodPost, "/api/v2/batch", outbound.Bytes("application/json", body), &res); err != nil {
		return err
	}
	failed := map[int]error{}
	for _, e := range res.Errors {
		if e.Index == nil || *e.Index < 0 || *e.Index >= len(batch) {
			return e.explain() // it is not known which record this is about
		}
		failed[*e.Index] = e.explain()
	}
	return deliver.Partial(failed)
}

// explain returns Customer.io's reason.
func (e recordError) explain() error {
	text := action.Line(cmp.Or(e.Message, e.Reason))
	if text == "" {
		return action.Errorf(action.Invalid, "Customer.io rejected a row without a reason.")
	}
	if e.Field != "" && !strings.Contains(text, e.Field) {
		text = action.Line(e.Field) + ": " + text
	}
	return action.Errorf(action.Invalid, "Customer.io rejected a row: %s", text)
}
