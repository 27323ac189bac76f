package mparticle

import (
	"net/http"
	"strconv"
	"sync"

	"golang.org/x/time/rate"
)

// mParticle's rate limit starts at 270 rows a second for an account and adapts to the traffic. Its
// responses report the percentage in use
// (https://docs.mparticle.com/guides/default-service-limits/#api-throttling).
const (
	initialRate = 270.0 / rowsPerCall // calls a second
	minRate     = initialRate / 8
	maxRate     = 40.0

	lowUsage  = 70 // percent: speed up below
	highUsage = 90 // percent: slow down above
	speedUp   = 1.05
	slowDown  = 0.95
)

// pace adapts the rate of calls to the usage that mParticle reports.
type pace struct {
	limiter *rate.Limiter
	mu      sync.Mutex // guards the limit between reading and setting it
}

func newPace() *pace { return &pace{limiter: rate.NewLimiter(initialRate, 1)} }

// used reads the headers of a successful response. Without the usage the rate stays.
func (p *pace) used(h http.Header) {
	percent, err := strconv.ParseFloat(h.Get("X-mp-rate-limit-percentage-used"), 64)
	switch {
	case err != nil:
	case percent <= lowUsage:
		p.times(speedUp)
	case percent >= highUsage:
		p.times(slowDown)
	}
}

// limited slows down after a call that was rate limited.
func (p *pace) limited() { p.times(0.5) }

func (p *pace) times(factor rate.Limit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limiter.SetLimit(max(minRate, min(maxRate, p.limiter.Limit()*factor)))
}
