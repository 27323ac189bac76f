package marketo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// timeout is longer than Marketo's own for a synchronization of leads, which is 90 seconds
// (https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/leads): a call that the hub
// gives up may still be carried out.
const timeout = 100 * time.Second

// Paths of the lead database and of assets.
const (
	v1     = "/rest/v1/"
	assets = "/rest/asset/v1/"
)

// client calls one instance for one delivery.
type client struct {
	http     *http.Client
	instance instance
	id       string
	secret   action.Secret

	mu    sync.Mutex
	token string
}

// call makes a call of the REST API. in, unless nil, is the body. The result is decoded into out, unless it is nil.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	res, err := c.respond(ctx, method, path, in)
	if err != nil || out == nil {
		return err
	}
	return res.decode(out)
}

// page reads one page of a list into out, and returns the token of the next page, or "".
func (c *client) page(ctx context.Context, path string, out any) (string, error) {
	res, err := c.respond(ctx, http.MethodGet, path, nil)
	if err != nil {
		return "", err
	}
	return res.NextPage, res.decode(out)
}

// respond makes a call, and once more with a new access token if the first one was rejected.
func (c *client) respond(ctx context.Context, method, path string, in any) (response, error) {
	token, err := c.access(ctx, "")
	if err != nil {
		return response{}, err
	}
	res, err := c.once(ctx, method, path, token, in)
	if action.KindOf(err) != action.Unauthenticated {
		return res, err
	}
	if token, err = c.access(ctx, token); err != nil {
		return response{}, err
	}
	if res, err = c.once(ctx, method, path, token, in); action.KindOf(err) == action.Unauthenticated {
		return response{}, deliver.Stop(err) // the token is new
	}
	return res, err
}

// response is Marketo's response to a call.
type response struct {
	Success  bool            `json:"success"`
	Errors   []problem       `json:"errors"`
	Result   json.RawMessage `json:"result"`
	NextPage string          `json:"nextPageToken"`
}

func (r response) decode(out any) error {
	if err := json.Unmarshal(r.Result, out); err != nil {
		return action.Wrap(fmt.Errorf("decoding the result: %w", err), action.Unavailable, "Unexpected response from Marketo.")
	}
	return nil
}

func (c *client) once(ctx context.Context, method, path, token string, in any) (response, error) {
	api := c.api()
	api.Authorize = outbound.Bearer(action.Secret(token))
	var res response
	err := api.Call(ctx, method, path, in, &res)
	switch {
	case err != nil:
	case len(res.Errors) > 0:
		err = res.Errors[0].explain()
	case !res.Success:
		err = action.Errorf(action.Unavailable, "Marketo did not confirm the request.")
	}
	return res, err
}

func (c *client) api() outbound.API {
	return outbound.API{Name: name, Base: string(c.instance), Client: c.http, Timeout: timeout}
}

// signIn requests an access token, unless there is one.
func (c *client) signIn(ctx context.Context) error {
	return retry.Do(ctx, func(ctx context.Context) error {
		_, err := c.access(ctx, "")
		return err
	})
}

// access returns an access token other than the rejected one. Concurrent calls share it.
func (c *client) access(ctx context.Context, rejected string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token != "" && c.token != rejected {
		return c.token, nil
	}
	var err error
	c.token, err = c.identify(ctx)
	return c.token, err
}

// identify exchanges the client's ID and secret for an access token
// (https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/authentication).
// Marketo requires them in the URL, so errors must not contain it.
func (c *client) identify(ctx context.Context) (string, error) {
	query := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.id}, "client_secret": {strings.TrimSpace(c.secret.Reveal())}}
	var granted struct {
		Token string `json:"access_token"`
	}
	err := c.api().Call(ctx, http.MethodGet, outbound.WithQuery("/identity/oauth/token", query), nil, &granted)
	switch kind := action.KindOf(err); {
	case err == nil && granted.Token != "":
		return granted.Token, nil
	case err == nil:
		return "", action.Errorf(action.Unavailable, "Marketo returned no access token.")
	case kind.Retryable():
		return "", err
	case !errors.As(err, new(*outbound.StatusError)): // blocked by the egress policy, or an unknown host
		return "", deliver.Stop(err)
	case kind == action.Unauthenticated, kind == action.Invalid, kind == action.Forbidden:
		return "", deliver.Stop(action.Wrap(err, action.Unauthenticated, "Marketo rejected the client ID and secret."))
	default:
		return "", deliver.Stop(err)
	}
}

// list adds leads to a list or removes them
// (https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/list-membership).
// It returns errors for single leads, or one for all.
func (d *delivery) list(ctx context.Context, method, list string, ids []uint64) (map[uint64]error, error) {
	path := listPath(list)
	var body any
	if method == http.MethodDelete {
		query := url.Values{}
		for _, id := range ids {
			query.Add("id", strconv.FormatUint(id, 10))
		}
		path += "?" + query.Encode()
	} else {
		body = map[string]any{"input": objects("id", ids)}
	}
	var results []result
	err := deliver.Call(ctx, d.limiter, retry, func(ctx context.Context) error {
		results = nil
		return d.client.call(ctx, method, path, body, &results)
	})
	if err != nil {
		return nil, err
	}
	why := map[uint64]error{}
	for _, id := range ids {
		why[id] = errIncomplete
	}
	for _, r := range results {
		switch {
		case r.Status != skipped, method == http.MethodDelete && (r.has(notOnList) || r.has(leadNotFound)): // nothing to remove
			delete(why, r.ID)
		default:
			why[r.ID] = d.rejections.Rejected("Marketo reported: "+r.reason()+".", fmt.Sprintf("lead %d", r.ID))
		}
	}
	return why, nil
}

func listPath(list string) string { return v1 + "lists/" + list + "/leads.json" }

// setStatus makes leads members of the program, or changes their status
// (https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/program-members).
func (d *delivery) setStatus(ctx context.Context, ids []uint64) (map[uint64]error, error) {
	body := map[string]any{"statusName": d.input.Status, "input": objects("leadId", ids)}
	// A skipped lead has no ID in its result, only its position.
	var results []struct {
		result

		Position *int `json:"seq"`
	}
	err := deliver.Call(ctx, d.limiter, retry, func(ctx context.Context) error {
		results = nil
		return d.client.call(ctx, http.MethodPost, v1+"programs/"+d.input.Program+"/members/status.json", body, &results)
	})
	if err != nil {
		return nil, err
	}
	why := map[uint64]error{}
	for _, id := range ids {
		why[id] = errIncomplete
	}
	for _, r := range results {
		if r.Position == nil || *r.Position < 0 || *r.Position >= len(ids) {
			continue
		}
		id := ids[*r.Position]
		switch {
		case r.Status != skipped, r.has(pastStatus): // the program never takes back a status
			delete(why, id)
		case r.has(noStatus):
			return nil, deliver.Stop(r.Reasons[0].explain())
		default:
			why[id] = d.rejections.Rejected("Marketo reported: "+r.reason()+".", fmt.Sprintf("lead %d", id))
		}
	}
	return why, nil
}

// trigger runs a campaign for leads
// (https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/smart-campaigns).
// Each run may send a mail, so a lead gets only one, however many rows it has, and the call is not
// repeated if its outcome is unknown.
func (d *delivery) trigger(ctx context.Context, campaign string, ids []uint64) (map[uint64]error, error) {
	t := d.triggers[campaign]
	fresh, why := t.claim(ids)
	if len(fresh) == 0 {
		return why, nil
	}
	body := map[string]any{"input": map[string]any{"leads": objects("id", fresh)}}
	once := deliver.Once{Name: name, MaybeDeliveredHint: "It may already have been triggered."}
	err := d.client.signIn(ctx) // before a call that must not be repeated
	signedIn := err == nil
	if signedIn {
		err = deliver.Call(ctx, d.limiter, once, func(ctx context.Context) error {
			return d.client.call(ctx, http.MethodPost, v1+"campaigns/"+campaign+"/trigger.json", body, nil)
		})
	}
	switch kind := action.KindOf(err); {
	case err == nil:
	case signedIn && (kind == action.Unavailable || kind == action.Timeout):
		t.markInDoubt(fresh)
	default:
		t.release(fresh)
	}
	for _, id := range fresh {
		if err != nil {
			why[id] = err
		}
	}
	if deliver.Stopped(err) {
		return why, err
	}
	return why, nil
}

// triggers records the leads for which a campaign was triggered, in about two bytes for each.
type triggers struct {
	mu sync.Mutex
	// claimed are the leads of calls that succeeded or are in flight; inDoubt those of calls with an
	// unknown outcome.
	claimed, inDoubt *roaring64.Bitmap
}

func newTriggers(campaigns []string) map[string]*triggers {
	all := map[string]*triggers{}
	for _, c := range campaigns {
		all[c] = &triggers{claimed: roaring64.New(), inDoubt: roaring64.New()}
	}
	return all
}

// errDoubt is for another row of a lead in doubt.
var errDoubt = action.Errorf(action.Unavailable, "It may have been triggered already, for another row of the same lead.")

// claim returns the leads for which the campaign must be triggered, and errors for those in doubt.
func (t *triggers) claim(ids []uint64) ([]uint64, map[uint64]error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var fresh []uint64
	why := map[uint64]error{}
	for _, id := range ids {
		switch {
		case t.inDoubt.Contains(id):
			why[id] = errDoubt
		case t.claimed.CheckedAdd(id):
			fresh = append(fresh, id)
		}
	}
	return fresh, why
}

// markInDoubt records leads for which the campaign may have been triggered.
func (t *triggers) markInDoubt(ids []uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range ids {
		t.inDoubt.Add(id)
	}
}

// release undoes claim.
func (t *triggers) release(ids []uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range ids {
		t.claimed.Remove(id)
	}
}
