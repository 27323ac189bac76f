package main

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

// The soak is as good as its judge: each way to break the promise must be seen, and nothing
// that keeps it may be called broken.
func TestJudge(t *testing.T) {
	t.Parallel()
	c := soakCase{id: "d1", document: newDocument(csvFormat, 1000, "d1")}
	faulty, cut := c, c
	faulty.destination = faultStatus
	cut.hangUp = true
	var (
		taken    = arrival{digest: c.document.digest(), whole: true, status: http.StatusOK}
		refused  = arrival{digest: c.document.digest(), whole: true, status: http.StatusInternalServerError}
		partly   = arrival{whole: false}
		damaged  = arrival{digest: newDocument(csvFormat, 1000, "d2").digest(), whole: true, status: http.StatusOK}
		success  = outcome{Success: true}
		failure  = outcome{Message: "The connection failed."}
		unheard  = errUnanswered
		nonsense = errors.New("an answer that is no JSON")
	)
	for _, tt := range []struct {
		name     string
		c        soakCase
		out      outcome
		err      error
		ended    bool
		arrivals []arrival
		want     string
		broken   bool
	}{
		{name: "delivered", c: c, out: success, arrivals: []arrival{taken}, want: "delivered"},
		{
			name: "delivered by a hub that was ended then", c: c, out: success, ended: true,
			arrivals: []arrival{taken}, want: "delivered",
		},
		{name: "success without an arrival", c: c, out: success, want: "lost", broken: true},
		{name: "success of a part", c: c, out: success, arrivals: []arrival{partly}, want: "lost", broken: true},
		{
			name: "success though it was refused", c: faulty, out: success, arrivals: []arrival{refused},
			want: "lost", broken: true,
		},
		{
			name: "success of something else", c: c, out: success, arrivals: []arrival{damaged}, want: "damaged",
			broken: true,
		},
		{name: "failure that damaged", c: c, out: failure, arrivals: []arrival{damaged}, want: "damaged", broken: true},
		{name: "twice", c: c, out: success, arrivals: []arrival{taken, taken}, want: "doubled", broken: true},
		{
			name: "once in part and once whole", c: faulty, out: success, arrivals: []arrival{partly, taken},
			want: "doubled", broken: true,
		},
		{name: "fault told", c: faulty, out: failure, arrivals: []arrival{refused}, want: "failed, and"},
		{name: "fault told, nothing arrived", c: faulty, out: failure, want: "failed, and"},
		{name: "failure without a fault", c: c, out: failure, want: "failed without", broken: true},
		{
			name: "accepted and told as failed", c: faulty, out: failure, arrivals: []arrival{taken},
			want: "accepted, answered", broken: true,
		},
		{name: "no answer, hub alive", c: c, out: outcome{}, err: unheard, want: "no answer", broken: true},
		{
			name: "no answer, hub ended", c: c, out: outcome{}, err: unheard, ended: true,
			arrivals: []arrival{partly}, want: "unanswered",
		},
		{
			name: "nonsense for an answer, hub ended", c: c, out: outcome{}, err: nonsense, ended: true,
			want: "no answer", broken: true,
		},
		{name: "Looker hung up", c: cut, out: outcome{}, err: unheard, want: "aborted by Looker, not"},
		{
			name: "Looker hung up, but it arrived", c: cut, out: outcome{}, err: unheard,
			arrivals: []arrival{taken}, want: "truncated", broken: true,
		},
		{name: "Looker hung up and was answered", c: cut, out: failure, want: "aborted by Looker, reported"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			what, err := judge(tt.c, tt.out, tt.err, tt.ended, tt.arrivals)
			if !strings.HasPrefix(what, tt.want) || (err != nil) != tt.broken {
				t.Errorf("%q, %v", what, err)
			}
		})
	}
}
