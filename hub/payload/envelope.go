// Package payload decodes what Looker sends: the envelope, as a stream in which no
// attachment ever sits whole in memory, and the rows inside it.
package payload

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
)

// Envelope is the body of a form or execute request.
//
// Source: Looker's Action API. Keys may come in any order, unknown ones are ignored, and of
// a key that comes twice the last one counts, as in JavaScript.
type Envelope struct {
	// Type is nil when absent, and points to "" when it is null.
	Type       *string
	Params     map[string]string
	Form       map[string]string
	Plan       ScheduledPlan
	Attachment *Attachment
	// State is what the hub gave Looker to fetch a user's tokens with.
	State string
	// share holds what the request keeps in memory and on disk.
	share *Share
	// MaxValueBytes is the largest value or row that is decoded from the data; 0 means
	// [bounded.DefaultLimit].
	MaxValueBytes int64
}

// ScheduledPlan is the schedule or the manual sending that a delivery belongs to.
type ScheduledPlan struct {
	ID                    text   `json:"scheduled_plan_id"`
	Title                 string `json:"title"`
	Type                  string `json:"type"`
	URL                   string `json:"url"`
	QueryID               text   `json:"query_id"`
	FiltersDifferFromLook bool   `json:"filters_differ_from_look"`
	DownloadURL           string `json:"download_url"`
	// Query is what the data is the result of; Looker sends much more of it.
	Query struct {
		Model string `json:"model"`
		View  string `json:"view"`
		// VisConfig is the visualisation's; its other members depend on its kind.
		VisConfig struct {
			HiddenFields []string `json:"hidden_fields"`
		} `json:"vis_config"`
	} `json:"query"`
}

// text takes strings, numbers, booleans and null alike: Looker is not consistent.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	switch {
	case string(b) == "null":
	case b[0] == '"':
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
	default:
		s = string(b)
	}
	*t = text(s)
	return nil
}

// Attachment is data that came inside the envelope.
type Attachment struct {
	MIME      string
	Extension string
	// Data is the text of the string "data", still base64 where the MIME type says so, or,
	// where it was no string, its JSON; nil when absent or null.
	Data *Blob
}

// Close gives back what the envelope holds.
func (e *Envelope) Close() error {
	if e == nil {
		return nil
	}
	if e.share != nil {
		e.share.releaseSettings()
	}
	if e.Attachment == nil || e.Attachment.Data == nil {
		return nil
	}
	return e.Attachment.Data.Close()
}

// maxSettings bounds everything but the attachment's data, all of it together. Looker's state is
// at most 32 KB, but forms carry whatever a user typed.
const maxSettings = 4 << 20

// maxMembers bounds the parameters, and the fields of a form.
const maxMembers = 10_000

// ErrTooLarge says that a part of the envelope other than its data is past reason.
var ErrTooLarge = errors.New("the request's settings are too large")

// NewEnvelope returns an envelope that says nothing. What is fetched for it goes to share.
func NewEnvelope(share *Share) *Envelope {
	return &Envelope{Params: map[string]string{}, Form: map[string]string{}, share: share}
}

// Decode reads one envelope from r. Data goes to the spool. The caller closes the envelope.
// Errors: [*SyntaxError] for what is not JSON or not an object, [ErrTooLarge],
// [ErrSpoolFull], and whatever r returns.
func Decode(r io.Reader, share *Share) (_ *Envelope, err error) {
	e := NewEnvelope(share)
	defer func() {
		if err != nil {
			_ = e.Close()
		}
	}()
	s := newScanner(r)
	s.share = share
	defer s.release()
	urls := map[string]string{}
	err = s.object(func(key string) error {
		switch key {
		case "attachment":
			return e.attachment(s)
		case "type":
			return e.requestType(s)
		case "data":
			return member(s, &e.Params)
		case "form_params":
			return member(s, &e.Form)
		case "state":
			var v text
			err := value(s, &v)
			e.State = string(v)
			return err
		case "state_url", "state_redir_url":
			var v text
			if err := value(s, &v); err != nil {
				return err
			}
			urls[key] = string(v)
			return nil
		case "scheduled_plan":
			return value(s, &e.Plan)
		default:
			return s.skip()
		}
	})
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return nil, err
	}
	maps.Copy(e.Params, urls)
	return e, nil
}

func (e *Envelope) requestType(s *scanner) error {
	var t text
	if err := value(s, &t); err != nil {
		return err
	}
	v := string(t)
	e.Type = &v
	return nil
}

// attachment reads {"mimetype", "extension", "data"} and streams the data to the spool.
func (e *Envelope) attachment(s *scanner) error {
	if e.Attachment != nil && e.Attachment.Data != nil { // a second one replaces the first
		_ = e.Attachment.Data.Close()
	}
	e.Attachment = nil
	if c, err := s.peek(); err != nil {
		return err
	} else if c != '{' {
		return s.skip()
	}
	a := &Attachment{}
	e.Attachment = a
	return s.object(func(key string) error {
		var t text
		switch key {
		case "mimetype":
			err := value(s, &t)
			a.MIME = string(t)
			return err
		case "extension":
			err := value(s, &t)
			a.Extension = string(t)
			return err
		case "data":
			if a.Data != nil {
				_ = a.Data.Close()
				a.Data = nil
			}
			return a.data(s)
		default:
			return s.skip()
		}
	})
}

func (a *Attachment) data(s *scanner) error {
	c, err := s.peek()
	if err != nil {
		return err
	}
	w := s.share.Create()
	switch c {
	case '"':
		err = s.text(w)
	case 'n':
		w.Abort()
		return s.skip()
	default:
		err = s.raw(w)
	}
	if err != nil {
		w.Abort()
		return err
	}
	a.Data, err = w.Done()
	return err
}

// member reads an object of strings; what is no object counts as empty, as Looker sends
// null for it.
func member(s *scanner, into *map[string]string) error {
	*into = map[string]string{}
	if c, err := s.peek(); err != nil {
		return err
	} else if c != '{' {
		var ignored any
		return value(s, &ignored)
	}
	n := 0
	return s.object(func(key string) error {
		if n++; n > maxMembers {
			return ErrTooLarge
		}
		var t text
		raw, err := s.small()
		if err != nil {
			return err
		}
		if !json.Valid(raw) {
			return s.errorf("invalid value")
		}
		if err := t.UnmarshalJSON(raw); err != nil {
			return s.errorf("%v", err)
		}
		if string(raw) == "null" {
			delete(*into, key)
			return nil
		}
		(*into)[key] = string(t)
		return nil
	})
}

// value reads one small value into v. A value of another type than v's is ignored.
func value(s *scanner, v any) error {
	raw, err := s.small()
	if err != nil {
		return err
	}
	err = json.Unmarshal(raw, v)
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return nil
	}
	if err != nil {
		return s.errorf("%v", err)
	}
	return nil
}

// small reads one value of the settings.
func (s *scanner) small() ([]byte, error) {
	b := smallBuffer{share: s.share}
	if err := s.raw(&b); err != nil {
		return nil, err
	}
	return b.bytes, nil
}

// smallBuffer collects a value, whose bytes count against the bounds of settings.
type smallBuffer struct {
	bytes []byte
	share *Share
}

func (b *smallBuffer) Write(p []byte) (int, error) {
	if err := b.share.takeSettings(int64(len(p))); err != nil {
		return 0, err
	}
	b.bytes = append(b.bytes, p...)
	return len(p), nil
}

// SyntaxError says where a body stopped being the JSON object it should be.
type SyntaxError struct {
	Offset int64
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("not valid JSON at byte %d: %s", e.Offset, e.Reason)
}
