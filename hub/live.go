package hub

import (
	"sync"
	"time"

	"integrationhub.dev/hub/page"
	"integrationhub.dev/hub/telemetry"
	"integrationhub.dev/hub/wire"
)

const (
	// liveAge is how old a snapshot of the live status may be, so that requests cause little work.
	liveAge = time.Second
	// certificateSoon and apiSoon are those of the operator's alerts.
	certificateSoon = 7 * 24 * time.Hour
	apiSoon         = 60 * 24 * time.Hour
)

// live is the live status: a snapshot, and the same as JSON.
type live struct {
	mu       sync.Mutex
	at       time.Time
	snapshot page.Live
	json     document
	// text is the JSON, by which cached pages notice a change.
	text string
}

// currentLive returns the live status of a moment ago.
func (s *Server) currentLive() (page.Live, document, string) {
	l := &s.live
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); now.Sub(l.at) >= liveAge {
		snapshot := s.snapshot(now)
		text := wire.Marshal(snapshot)
		if l.text != string(text) {
			l.json = newDocument("application/json; charset=utf-8", text)
		}
		l.at, l.snapshot, l.text = now, snapshot, string(text)
	}
	return l.snapshot, l.json, l.text
}

func (s *Server) snapshot(now time.Time) page.Live {
	l := page.Live{
		Pod: s.pod, Started: s.started, State: page.Ready,
		Running: len(s.admission.slots), Slots: cap(s.admission.slots),
		Queued: int(s.admission.queued()), MaxQueued: s.config.MaxQueued,
		APIs: []page.APIEnd{}, Deliveries: map[string][]telemetry.Outcome{},
	}
	switch {
	case s.draining.Load():
		l.State = page.Draining
	case s.spool.Check() != nil:
		l.State = page.NotReady
	}
	if s.certificate != nil {
		l.CertificateEnd = s.certificate.Leaf().NotAfter.UTC()
		l.CertificateSoon = l.CertificateEnd.Sub(now) < certificateSoon
	}
	for _, e := range s.catalog.Entries() {
		name := e.Definition.Name
		for _, a := range e.APIs {
			if end, known := a.End(); known && end.Sub(now) < apiSoon {
				l.APIs = append(l.APIs, page.APIEnd{Integration: name, API: a.Name, Version: a.Version, EndOfLife: a.EndOfLife})
			}
		}
		if outcomes := s.outcomes.Of(name); len(outcomes) > 0 {
			l.Deliveries[name] = outcomes
		}
	}
	return l
}
