package looker

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/time/rate"
)

func (r RateLimit) limiter() *rate.Limiter {
	return rate.NewLimiter(rate.Limit(float64(r.Requests)/r.Per.Seconds()), r.Requests)
}

// tooManyRequests answers 429. That Looker sends Retry-After is an assumption: its document has no
// headers.
func tooManyRequests(wait time.Duration) reply {
	p := errorReply(http.StatusTooManyRequests, "Too many requests")
	p.retryAfter = strconv.Itoa(max(1, int(math.Ceil(wait.Seconds()))))
	return p
}
