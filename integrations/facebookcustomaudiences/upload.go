package facebookcustomaudiences

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"net/http"
	"slices"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// Meta takes this many people at a time. The bytes bound the hub's memory.
const (
	maxBatch      = 10_000
	maxBatchBytes = 4 << 20
)

// upload puts people into an audience. Putting the same ones in twice changes nothing, so that
// every call may be made again.
type upload struct {
	*client
	audience graphID
	// create makes the audience when there is somebody to put into it; nil where there is one.
	create  func(context.Context) (graphID, error)
	created bool
	// edge is what is called of the audience: users, or usersreplace with a session.
	edge    string
	session *session
	// failed is set when a batch did not arrive, stopped when no others were tried after it.
	failed, stopped bool
}

// session makes several calls one replacement:
// https://developers.facebook.com/docs/marketing-api/reference/custom-audience/usersreplace/
type session struct {
	ID    int64 `json:"session_id"`
	Batch int   `json:"batch_seq"`
	Last  bool  `json:"last_batch_flag"`
	Total int   `json:"estimated_num_total"`

	sent int
}

func newSession(total int) *session {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	// 53 bits: a number in any language.
	return &session{ID: int64(binary.BigEndian.Uint64(id[:]) >> 11), Total: total}
}

// next is the session as the next batch tells it.
func (s *session) next(batch int) *session {
	if s == nil {
		return nil
	}
	s.Batch++
	s.sent += batch
	s.Last = s.sent == s.Total
	return s
}

// uploadCall is the body of a call.
type uploadCall struct {
	Session *session `json:"session,omitempty"`
	Payload struct {
		Schema []string `json:"schema"`
		Data   []person `json:"data"`
	} `json:"payload"`
}

// outcome is Meta's answer. It says how many, never which.
type outcome struct {
	Received *int `json:"num_received"`
	Invalid  int  `json:"num_invalid_entries"`
}

// send uploads people batch by batch, one at a time. It returns how many went, and an error
// that counts the others.
func (u *upload) send(ctx context.Context, p *people) (int, error) {
	account := deliver.Batches(ctx, p.all(), deliver.Options[person]{
		Size: maxBatch, MaxBytes: maxBatchBytes, Weight: weight,
	}, func(ctx context.Context, batch []person) error {
		if u.audience == "" {
			id, err := u.create(ctx)
			if err != nil {
				u.stopped = true
				return deliver.Stop(err)
			}
			u.audience, u.created = id, true
		}
		call := uploadCall{Session: u.session.next(len(batch))}
		call.Payload.Schema, call.Payload.Data = p.schema, batch
		o, err := u.batch(ctx, call)
		switch {
		case err == nil:
			return o.refused(len(batch))
		case slices.Contains(hopeless, action.KindOf(err)):
			u.stopped = true
			return deliver.Stop(err)
		}
		return err
	})
	err := account.Err("rows")
	if err != nil && u.stopped {
		err = action.Wrap(err, action.KindOf(err), "%s No more rows were tried.", action.MessageOf(err))
	}
	return account.Sent(), err
}

// hopeless are the kinds of error after which no other batch will do better.
var hopeless = []action.Kind{action.Unauthenticated, action.Forbidden, action.NotFound, action.Internal}

// batch makes one call, and again where it may go better.
func (u *upload) batch(ctx context.Context, call uploadCall) (outcome, error) {
	var o outcome
	err := u.pace.uploads.Do(ctx, func(ctx context.Context) error {
		o = outcome{}
		err := u.call(ctx, http.MethodPost, string(u.audience)+"/"+u.edge+"?"+u.proof().Encode(), call, &o)
		if err == nil && o.Received == nil {
			return action.Errorf(action.Unavailable, "Facebook did not say how many rows it took.")
		}
		return err
	})
	u.failed = u.failed || err != nil
	return o, err
}

// refused counts what Meta did not take of a batch. Since only the number is known, it
// stands for the first ones: only their number is told on.
func (o outcome) refused(batch int) error {
	failed := map[int]error{}
	missing := min(max(batch-*o.Received, 0), batch)
	for i := range missing {
		failed[i] = errMissing
	}
	for i := missing; i < min(missing+o.Invalid, batch); i++ {
		failed[i] = errInvalid
	}
	return deliver.Partial(failed)
}

var (
	errMissing = action.Errorf(action.Invalid, "Facebook did not take all rows, and does not say why.")
	errInvalid = action.Errorf(action.Invalid, "Facebook could not read all rows.")
)

// weight is about how many bytes a person takes.
func weight(p person) int {
	n := 2
	for _, value := range p {
		n += len(value) + 3
	}
	return n
}
