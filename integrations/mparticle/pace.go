package mparticle

import (
	"net/http"
	"strconv"
	"sync"

	"golang.org/x/time/rate"
)

// mParticle's limit begins at 270 rows a second for an account, and goes up and down with
// what is sent; its answers say how much of the limit is used
// (https://docs.mparticle.com/guides/default-service-limits/#api-throttling).
const (
	firstRate = 270.0 / rowsPerCall // calls a second
	leastRate = firstRate / 8
	mostRate  = 40.0

	roomBelow = 70 // percent used, at most, to go faster
	fullAbove = 90 // percent used, at least, to go slower
	quicker   = 1.05
	slower    = 0.95
)

// pace spaces calls by what mParticle says of its limit.
type pace struct {
	limiter *rate.Limiter
	mu      sync.Mutex // held from reading the limit to setting it
}

func newPace() *pace { return &pace{limiter: rate.NewLimiter(firstRate, 1)} }

// used takes the answer to a call that was taken. Without the header the pace stays.
func (p *pace) used(h http.Header) {
	percent, err := strconv.ParseFloat(h.Get("X-mp-rate-limit-percentage-used"), 64)
	switch {
	case err != nil:
	case percent <= roomBelow:
		p.times(quicker)
	case percent >= fullAbove:
		p.times(slower)
	}
}

// limited notes that a call was refused for its rate.
func (p *pace) limited() { p.times(0.5) }

func (p *pace) times(factor rate.Limit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limiter.SetLimit(max(leastRate, min(mostRate, p.limiter.Limit()*factor)))
}
