package page

import (
	"fmt"
	"slices"
	"time"

	"integrationhub.dev/hub/telemetry"
)

// State is whether a pod accepts deliveries.
type State string

// The states of a pod.
const (
	Ready    State = "ready"
	Draining State = "draining"
	NotReady State = "not_ready"
)

// Text returns the state for people.
func (s State) Text() string {
	switch s {
	case Draining:
		return "Draining"
	case NotReady:
		return "Not ready"
	case Ready:
	}
	return "Running"
}

// Live is the health of one pod: counts and times, and nothing of what was delivered.
type Live struct {
	// Pod is the pod's name, or empty outside of a cluster.
	Pod     string    `json:"pod,omitempty"`
	Started time.Time `json:"started"`
	State   State     `json:"state"`
	// Running and Slots are the deliveries in progress and their limit, Queued and MaxQueued those that wait.
	Running   int `json:"running"`
	Slots     int `json:"slots"`
	Queued    int `json:"queued"`
	MaxQueued int `json:"max_queued"`
	// CertificateEnd is when the certificate expires, if the hub serves TLS.
	CertificateEnd time.Time `json:"certificate_not_after,omitzero"`
	// CertificateSoon reports whether that is so soon that its renewal must have failed.
	CertificateSoon bool `json:"certificate_expires_soon,omitempty"`
	// APIs are the versions of vendors' APIs that are retired or will be soon.
	APIs []APIEnd `json:"apis_near_end"`
	// Deliveries are the outcomes by integration since the start.
	Deliveries map[string][]telemetry.Outcome `json:"deliveries"`
}

// APIEnd is an API version near its end.
type APIEnd struct {
	Integration string `json:"integration"`
	API         string `json:"api"`
	Version     string `json:"version"`
	EndOfLife   string `json:"end_of_life"`
}

// Of returns a summary of an integration's deliveries.
func (l Live) Of(integration string) Summary {
	s := Summary{Outcomes: l.Deliveries[integration]}
	for _, o := range s.Outcomes {
		if o.Outcome == telemetry.Delivered {
			s.Delivered = o.Count
		} else {
			s.Failed += o.Count
		}
		if o.Last.After(s.Last) {
			s.Last, s.LastFailed = o.Last, o.Outcome != telemetry.Delivered
		}
	}
	slices.SortStableFunc(s.Outcomes, func(a, b telemetry.Outcome) int { return b.Last.Compare(a.Last) })
	return s
}

// Summary is the deliveries of one integration.
type Summary struct {
	Delivered, Failed int64
	// Last is when the last one ended, or zero.
	Last       time.Time
	LastFailed bool
	Outcomes   []telemetry.Outcome
}

// Class is a CSS class for the last delivery.
func (s Summary) Class() string {
	switch {
	case s.Last.IsZero():
		return "none"
	case s.LastFailed:
		return "bad"
	}
	return "good"
}

// text is a summary up to the time of the last delivery.
func (s Summary) text() string {
	text := fmt.Sprintf("%d delivered, ", s.Delivered)
	if s.Failed > 0 {
		text += fmt.Sprintf("%d failed, ", s.Failed)
	}
	if s.LastFailed {
		return text + "last failed"
	}
	return text + "last"
}
