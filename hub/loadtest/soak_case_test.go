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
		{"delivered", c, success, nil, false, []arrival{taken}, "delivered", false},
		{"delivered by a hub that was ended then", c, success, nil, true, []arrival{taken}, "delivered", false},
		{"success without an arrival", c, success, nil, false, nil, "lost", true},
		{"success of a part", c, success, nil, false, []arrival{partly}, "lost", true},
		{"success though it was refused", faulty, success, nil, false, []arrival{refused}, "lost", true},
		{"success of something else", c, success, nil, false, []arrival{damaged}, "damaged", true},
		{"failure that damaged", c, failure, nil, false, []arrival{damaged}, "damaged", true},
		{"twice", c, success, nil, false, []arrival{taken, taken}, "doubled", true},
		{"once in part and once whole", faulty, success, nil, false, []arrival{partly, taken}, "doubled", true},
		{"fault told", faulty, failure, nil, false, []arrival{refused}, "failed, and", false},
		{"fault told, nothing arrived", faulty, failure, nil, false, nil, "failed, and", false},
		{"failure without a fault", c, failure, nil, false, nil, "failed without", true},
		{"accepted and told as failed", faulty, failure, nil, false, []arrival{taken}, "accepted, answered", true},
		{"no answer, hub alive", c, outcome{}, unheard, false, nil, "no answer", true},
		{"no answer, hub ended", c, outcome{}, unheard, true, []arrival{partly}, "unanswered", false},
		{"nonsense for an answer, hub ended", c, outcome{}, nonsense, true, nil, "no answer", true},
		{"Looker hung up", cut, outcome{}, unheard, false, nil, "broken off by Looker, not", false},
		{"Looker hung up, but it arrived", cut, outcome{}, unheard, false, []arrival{taken}, "truncated", true},
		{"Looker hung up and was answered", cut, failure, nil, false, nil, "broken off by Looker, answered", false},
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
