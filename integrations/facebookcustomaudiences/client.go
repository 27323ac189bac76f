package facebookcustomaudiences

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

const (
	name  = "Facebook"
	graph = "https://graph.facebook.com"
)

// pace has the retries of calls that can be repeated. Meta counts calls per hour, also those that it refuses: a call is made again
// when the time is over that Meta tells. https://developers.facebook.com/docs/graph-api/overview/rate-limiting
type pace struct{ reads, uploads deliver.Retry }

var standardPace = pace{
	reads: deliver.Retry{
		MaxAttempts: 3, InitialBackoff: 500 * time.Millisecond, MaxBackoff: 4 * time.Second, When: within(4 * time.Second),
	},
	uploads: deliver.Retry{
		MaxAttempts: 10, InitialBackoff: 2 * time.Second, MaxBackoff: 90 * time.Second, When: within(5 * time.Minute),
	},
}

// within accepts errors that may pass within a time.
func within(most time.Duration) func(error) bool {
	return func(err error) bool { return action.KindOf(err).Retryable() && outbound.RetryAfter(err) <= most }
}

// The timeouts of a call.
const (
	readTimeout   = 30 * time.Second
	uploadTimeout = 3 * time.Minute
)

// client calls the Graph API with a user's token or, if system is set, with an administrator's.
type client struct {
	*Integration
	token  string
	system bool
}

// call makes one call. in, unless nil, is the body. The token is in a header, because proxies may log
// URLs.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	api := c.api()
	api.Authorize = outbound.Bearer(action.Secret(c.token))
	if c.system {
		api.Explain = explainSystem
	}
	if in != nil {
		api.Timeout = uploadTimeout
	}
	return api.Call(ctx, method, "/"+string(c.settings.APIVersion)+"/"+path, in, out)
}

// api is the Graph API without a token.
func (i *Integration) api() outbound.API {
	return outbound.API{Name: name, Base: graph, Client: i.deps.HTTP, Timeout: readTimeout, Explain: explain}
}

// proof proves that a call comes from the app that the token belongs to. Apps can require it:
// https://developers.facebook.com/docs/graph-api/guides/secure-requests
func (c *client) proof() url.Values {
	mac := hmac.New(sha256.New, []byte(c.settings.ClientSecret.Reveal()))
	mac.Write([]byte(c.token))
	return url.Values{"appsecret_proof": {hex.EncodeToString(mac.Sum(nil))}}
}

// named is an ad account or an audience.
type named struct {
	ID      string `json:"id"`
	Account string `json:"account_id"`
	Name    string `json:"name"`
}

// list reads all pages of a list. The form's timeout bounds it.
func (c *client) list(ctx context.Context, path, fields string) ([]named, error) {
	query := c.proof()
	query.Set("fields", fields)
	query.Set("limit", "100")
	var all []named
	for {
		var page struct {
			Data   []named `json:"data"`
			Paging struct {
				Next    string `json:"next"`
				Cursors struct {
					After string `json:"after"`
				} `json:"cursors"`
			} `json:"paging"`
		}
		err := c.pace.reads.Do(ctx, func(ctx context.Context) error {
			return c.call(ctx, http.MethodGet, path+"?"+query.Encode(), nil, &page)
		})
		if err != nil {
			return nil, err
		}
		all = append(all, page.Data...)
		if page.Paging.Next == "" || page.Paging.Cursors.After == "" {
			return all, nil
		}
		query.Set("after", page.Paging.Cursors.After)
	}
}

// createAudience creates an empty audience. Each call creates another one.
func (c *client) createAudience(ctx context.Context, in input) (graphID, error) {
	var made struct {
		ID graphID `json:"id"`
	}
	once := deliver.Once{Name: name, MaybeDeliveredHint: "An empty audience may already have been created."}
	err := once.Do(ctx, func(ctx context.Context) error {
		return c.call(ctx, http.MethodPost, "act_"+string(in.Account)+"/customaudiences?"+c.proof().Encode(), map[string]string{
			"name": in.Name, "description": in.Description, "customer_file_source": "USER_PROVIDED_ONLY", "subtype": "CUSTOM",
		}, &made)
	})
	if err == nil && made.ID == "" {
		err = action.Errorf(action.Unavailable, "Facebook did not say which audience it created.")
	}
	return made.ID, err
}

// removeTimeout bounds the removal of an audience after a delivery whose timeout may be over.
const removeTimeout = 30 * time.Second

// removeAudience removes a new audience that stayed empty.
func (c *client) removeAudience(ctx context.Context, id graphID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	err := c.pace.reads.Do(ctx, func(ctx context.Context) error {
		return c.call(ctx, http.MethodDelete, string(id)+"?"+c.proof().Encode(), nil, nil)
	})
	if err != nil {
		c.deps.Log.WarnContext(ctx, "empty audience was not removed from the destination", "error", err)
	}
}

// session combines several calls into one replacement. Its rules are Meta's
// (https://developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences, "Replace Users API"):
//
//   - The batch with number 1 begins it, and removes everyone from the audience. No other may have this number.
//   - The others come after it. They can be repeated, and have any other numbers.
//   - The batch with the last flag ends it, and none is accepted after that.
//   - Its numbers of entries count all batches so far.
type session struct {
	id int64
	// total is the number of people, and sent that of those in the batches so far.
	total, sent int
	// number is that of the last batch.
	number int
	// received and invalid are Meta's numbers so far.
	received, invalid int
	// begun means that Meta has the first batch, and ended that it has the last one.
	begun, ended bool
	// maybeReceived means that Meta may have the batch that is being sent, because a response was lost.
	maybeReceived bool
}

func newSession(total int) *session { return &session{id: newSessionID(), total: total} }

func newSessionID() int64 {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	// 53 bits fit into a JSON number.
	return int64(binary.BigEndian.Uint64(id[:]) >> 11)
}

// last reports whether the current batch is the last one.
func (s *session) last() bool { return s.sent == s.total }

// body is that of the call for the current batch.
func (s *session) body(people payload) outbound.Body {
	const format = `{"session":{"session_id":%d,"batch_seq":%d,"last_batch_flag":%t,"estimated_num_total":%d},"payload":`
	return people.json(fmt.Sprintf(format, s.id, s.number, s.last(), s.total))
}

// batch sends the next batch until Meta has it. A session has only one call with number 1: after its
// response was lost, the batch is sent with the next number, which Meta accepts only if the session has begun.
func (s *session) batch(ctx context.Context, u *upload, people payload) error {
	s.number++
	s.sent += len(people.data)
	s.maybeReceived = false
	tried := false
	var o outcome
	err := u.pace.uploads.Do(ctx, func(ctx context.Context) (err error) {
		switch {
		case s.begun || !tried || s.number > 1:
		case s.maybeReceived:
			s.number++
		default:
			s.id = newSessionID()
		}
		tried = true
		o, err = s.attempt(ctx, u, people)
		if s.maybeReceived && !s.begun && subcode(err) == notBegun {
			s.id, s.number, s.maybeReceived = newSessionID(), 1, false
			o, err = s.attempt(ctx, u, people)
		}
		return err
	})
	if err != nil {
		return err
	}
	s.begun, s.ended = true, s.last()
	return s.count(len(people.data), o)
}

// attempt makes one call. If the session has ended since a response to its last batch was lost, that batch
// has arrived.
func (s *session) attempt(ctx context.Context, u *upload, people payload) (o outcome, err error) {
	path := string(u.audience) + "/usersreplace?" + u.proof().Encode()
	err = u.call(outbound.WithDoubt(ctx, ""), http.MethodPost, path, s.body(people), &o)
	switch {
	case err == nil:
	case s.maybeReceived && s.last() && subcode(err) == finished:
		return s.totals(ctx, u, len(people.data)), nil
	case subcode(err) != inProgress && (ctx.Err() != nil || action.KindOf(err) == action.Unavailable || action.KindOf(err) == action.Timeout):
		s.maybeReceived = true
	}
	return o, err
}

// totals reads the numbers of a session that has ended
// (https://developers.facebook.com/docs/marketing-api/reference/custom-audience-session). If Meta does not
// tell them, the last batch, of which it has at least one copy, counts as valid.
func (s *session) totals(ctx context.Context, u *upload, batch int) outcome {
	received := s.received + batch
	read := outcome{Received: &received, Invalid: s.invalid}
	var page struct {
		Data []struct {
			Received json.Number `json:"num_received"`
			Invalid  json.Number `json:"num_invalid_entries"`
		} `json:"data"`
	}
	query := u.proof()
	query.Set("session_id", fmt.Sprint(s.id))
	query.Set("fields", "num_received,num_invalid_entries")
	err := u.pace.reads.Do(ctx, func(ctx context.Context) error {
		return u.call(ctx, http.MethodGet, string(u.audience)+"/sessions?"+query.Encode(), nil, &page)
	})
	if err != nil || len(page.Data) != 1 {
		return read
	}
	n, err := page.Data[0].Received.Int64()
	invalid, invalidErr := page.Data[0].Invalid.Int64()
	if err != nil || invalidErr != nil || int(n) < received {
		return read
	}
	received = int(n)
	read.Invalid = int(invalid)
	return read
}

// count returns an error for the entries of a batch that Meta did not accept. Copies of the batch that
// arrived because of lost responses are counted once.
func (s *session) count(batch int, o outcome) error {
	received, invalid := *o.Received-s.received, max(o.Invalid-s.invalid, 0)
	s.received, s.invalid = *o.Received, o.Invalid
	copies := max(received/batch, 1)
	return partial(batch, received, (invalid+copies-1)/copies)
}

// closedBy reports whether the session accepts no other batch after an error: its first batch failed, or it
// has ended.
func (s *session) closedBy(err error) bool {
	return !s.begun || subcode(err) == timedOut || subcode(err) == finished || subcode(err) == notBegun
}

// hint says what a failed replacement did to the audience.
func (s *session) hint(failed bool) string {
	switch {
	case !s.begun && !s.maybeReceived:
		return "The audience was not changed."
	case !s.ended:
		return "The replacement is incomplete. Send the data again after 90 minutes, when the Facebook session has expired."
	case failed:
		return "The replacement is incomplete. Send the data again."
	}
	return ""
}
