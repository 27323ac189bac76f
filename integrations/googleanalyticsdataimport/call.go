package googleanalyticsdataimport

import (
	"encoding/json"
	"errors"
	"iter"

	"integrationhub.dev/hub/action"
)

// The limits of a call: https://developers.google.com/analytics/devguides/collection/protocol/ga4/sending-events#limitations
const (
	maxEvents = 25
	// maxBody is in bytes. Values of 100 characters can exceed it with fewer events than maxEvents.
	maxBody = 130_000
)

// measured is an event of the Measurement Protocol.
type measured struct {
	// who is the person of the event. Events of one person share a call.
	who who
	// text is the event as JSON.
	text json.RawMessage
}

// who is the part of a call that its events share.
type who struct {
	Client string `json:"client_id"`
	User   string `json:"user_id,omitempty"`
	// Properties is a JSON object as text, so that people can be compared.
	Properties string `json:"-"`
}

// call is the body of a call.
type call struct {
	who
	Properties json.RawMessage   `json:"user_properties,omitempty"`
	Validation string            `json:"validation_behavior,omitempty"`
	Events     []json.RawMessage `json:"events"`
}

// measure converts an event.
func measure(e event) (measured, error) {
	type params struct {
		Name   string         `json:"name"`
		Micros int64          `json:"timestamp_micros,omitempty"`
		Params map[string]any `json:"params"`
	}
	p := params{Name: e.name, Params: e.params}
	if !e.time.IsZero() {
		p.Micros = e.time.UnixMicro()
	}
	text, err := json.Marshal(p)
	m := measured{who{Client: e.client, User: e.user}, text}
	if len(e.properties) > 0 && err == nil {
		values := map[string]any{}
		for name, value := range e.properties {
			values[name] = map[string]any{"value": value}
		}
		var properties []byte
		properties, err = json.Marshal(values) // in the order of their names
		m.who.Properties = string(properties)
	}
	if err != nil {
		return m, action.Wrap(err, action.Internal, "A row cannot be sent as an event.")
	}
	return m, nil
}

func newCall(w who) call {
	c := call{who: w}
	if w.Properties != "" {
		c.Properties = json.RawMessage(w.Properties)
	}
	return c
}

// overhead is more than the bytes of a call besides the values, which JSON can make six times as long.
const overhead = 200

// size is more than the bytes of a call without events.
func (w who) size() int { return overhead + 6*(len(w.Client)+len(w.User)) + len(w.Properties) }

// calls splits a batch into calls: consecutive events of one person. It yields the index of the first event of each.
func calls(batch []measured) iter.Seq2[int, call] {
	return func(yield func(int, call) bool) {
		for from := 0; from < len(batch); {
			c := newCall(batch[from].who)
			size := c.who.size()
			for _, m := range batch[from:] {
				size += len(m.text) + len(",")
				if len(c.Events) > 0 && (len(c.Events) == maxEvents || size >= maxBody || m.who != c.who) {
					break
				}
				c.Events = append(c.Events, m.text)
			}
			if !yield(from, c) {
				return
			}
			from += len(c.Events)
		}
	}
}

// check counts the rows. It returns the first call, which is nil if no row is valid.
func (r *result) check() (first *call, rows int, err error) {
	var (
		events   []measured
		complete bool
		failed   error
	)
	rows, err = r.count(func(e event) {
		if complete {
			return
		}
		var m measured
		m, failed = measure(e)
		complete = failed != nil || len(events) > 0 && m.who != events[0].who
		if !complete {
			events = append(events, m)
			complete = len(events) == maxEvents
		}
	})
	for _, c := range calls(events) {
		first = &c
		break
	}
	return first, rows, errors.Join(err, failed)
}
