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

// maxBatch is Meta's limit for a call. maxBatchBytes bounds the hub's memory.
const (
	maxBatch      = 10_000
	maxBatchBytes = 4 << 20
)

// upload adds people to an audience. Adding the same people twice changes nothing, so all calls can
// be repeated.
type upload struct {
	*client
	audience graphID
	// create creates the audience with the first batch; nil for an existing one.
	create  func(context.Context) (graphID, error)
	created bool
	// edge is the edge of the audience: users, or usersreplace with a session.
	edge    string
	session *session
	// failed is set when a batch failed, stopped when no others were sent after it.
	failed, stopped bool
}

// session combines several calls into one replacement:
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
	// 53 bits fit into a JSON number.
	return &session{ID: int64(binary.BigEndian.Uint64(id[:]) >> 11), Total: total}
}

// next returns the session for the next batch.
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

// outcome is Meta's response. It counts entries without naming them.
type outcome struct {
	Received *int `json:"num_received"`
	Invalid  int  `json:"num_invalid_entries"`
}

// send uploads people batch by batch. It returns the number of people that were sent, and an error
// that counts the others.
func (u *upload) send(ctx context.Context, p *people) (int, error) {
	result := deliver.Batches(ctx, p.all(), deliver.Options[person]{
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
			return o.partial(len(batch))
		case slices.Contains(fatalKinds, action.KindOf(err)):
			u.stopped = true
			return deliver.Stop(err)
		}
		return err
	})
	err := result.Err("rows")
	if err != nil && u.stopped {
		err = action.Wrap(err, action.KindOf(err), "%s The remaining rows were not sent.", action.MessageOf(err))
	}
	return result.Sent(), err
}

// fatalKinds are the kinds of error that every other batch would return too.
var fatalKinds = []action.Kind{action.Unauthenticated, action.Forbidden, action.NotFound, action.Internal}

// batch makes a call, and retries it.
func (u *upload) batch(ctx context.Context, call uploadCall) (outcome, error) {
	var o outcome
	err := u.pace.uploads.Do(ctx, func(ctx context.Context) error {
		o = outcome{}
		err := u.call(ctx, http.MethodPost, string(u.audience)+"/"+u.edge+"?"+u.proof().Encode(), call, &o)
		if err == nil && o.Received == nil {
			return action.Errorf(action.Unavailable, "Facebook did not confirm the number of rows.")
		}
		return err
	})
	u.failed = u.failed || err != nil
	return o, err
}

// partial returns an error for the entries that Meta did not accept. Only their number is known, so
// the first items of the batch stand for them.
func (o outcome) partial(batch int) error {
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
	errMissing = action.Errorf(action.Invalid, "Facebook did not accept all rows, without giving a reason.")
	errInvalid = action.Errorf(action.Invalid, "Facebook could not read all rows.")
)

// weight is the approximate size of a person in a request.
func weight(p person) int {
	n := 2
	for _, value := range p {
		n += len(value) + 3
	}
	return n
}
