package telemetry

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"integrationhub.dev/hub/action"
)

// Outcomes counts deliveries by integration and outcome since the start, with the time of the last one,
// for the status page. Its memory is bounded by the number of integrations.
type Outcomes struct {
	names []string // of the outcomes

	mu            sync.RWMutex
	byIntegration map[string][]lastOutcome
}

// lastOutcome counts the deliveries of an integration with one outcome.
type lastOutcome struct{ count, last atomic.Int64 }

// NewOutcomes creates counters for these integrations.
func NewOutcomes(integrations []string) *Outcomes {
	o := &Outcomes{names: []string{Delivered}, byIntegration: map[string][]lastOutcome{}}
	for _, kind := range action.Kinds() {
		o.names = append(o.names, kind.String())
	}
	o.Count(integrations)
	return o
}

// Count counts the deliveries of these integrations, and of no others. Those that it has counted
// before go on.
func (o *Outcomes) Count(integrations []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := o.byIntegration
	o.byIntegration = make(map[string][]lastOutcome, len(integrations))
	for _, name := range integrations {
		if o.byIntegration[name] = before[name]; o.byIntegration[name] == nil {
			o.byIntegration[name] = make([]lastOutcome, len(o.names))
		}
	}
}

func (o *Outcomes) of(integration string) []lastOutcome {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.byIntegration[integration]
}

// Add counts a delivery that ended at a time.
func (o *Outcomes) Add(integration, outcome string, at time.Time) {
	counters := o.of(integration)
	if i := slices.Index(o.names, outcome); i >= 0 && i < len(counters) {
		counters[i].count.Add(1)
		counters[i].last.Store(at.Unix())
	}
}

// Outcome is how often deliveries of an integration had one outcome, and when the last one ended.
type Outcome struct {
	Outcome string    `json:"outcome"`
	Count   int64     `json:"count"`
	Last    time.Time `json:"last"`
}

// Of returns the outcomes that deliveries of an integration have had: "delivered" or the error kind.
func (o *Outcomes) Of(integration string) []Outcome {
	var all []Outcome
	counters := o.of(integration)
	for i := range counters {
		if n := counters[i].count.Load(); n > 0 {
			all = append(all, Outcome{o.names[i], n, time.Unix(counters[i].last.Load(), 0).UTC()})
		}
	}
	return all
}
