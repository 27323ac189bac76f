// Package payload decodes Looker's requests: the envelope, as a stream that never holds a whole
// attachment in memory, and the rows in it.
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
// Source: Looker's Action API. Keys may have any order, unknown ones are ignored, and the last of
// duplicate keys counts, as in JavaScript.
type Envelope struct {
	// Type is nil when absent, and points to "" when it is null.
	Type       *string
	Params     map[string]string
	Form       map[string]string
	Plan       ScheduledPlan
	Attachment *Attachment
	// State is the sealed grant with which Looker fetches a user's tokens.
	State string
	// share is the request's part of the spool.
	share *Share
	// MaxValueBytes is the maximum size of a decoded value or row; 0 means
	// [bounded.DefaultLimit].
	MaxValueBytes int64
}

// ScheduledPlan is the schedule or the manual send of a delivery.
type ScheduledPlan struct {
	ID                    text   `json:"scheduled_plan_id"`
	Title                 string `json:"title"`
	Type                  string `json:"type"`
	URL                   string `json:"url"`
	QueryID               text   `json:"query_id"`
	FiltersDifferFromLook bool   `json:"filters_differ_from_look"`
	DownloadURL           string `json:"download_url"`
	// Query is the query of the data, of which Looker sends much more.
	Query struct {
		Model string `json:"model"`
		View  string `json:"view"`
		// VisConfig is that of the visualization; its other members depend on the type.
		VisConfig struct {
			HiddenFields []string `json:"hidden_fields"`
		} `json:"vis_config"`
	} `json:"query"`
}

// text accepts strings, numbers, booleans and null, because Looker is not consistent.
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

// Attachment is data in the envelope.
type Attachment struct {
	MIME      string
	Extension string
	// Data is the string "data", still base64 if the MIME type says so, or the JSON of any other
	// value; nil when absent or null.
	Data *Blob
}

// Close releases the memory and the spool files of the envelope.
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

// maxSettings limits everything but the attachment's data. Looker's state has at most 32 KB, but
// form values can be long.
const maxSettings = 4 << 20

// maxMembers limits the number of parameters and of form fields.
const maxMembers = 10_000

// ErrTooLarge means that the envelope without its data exceeds a limit.
var ErrTooLarge = errors.New("the request's settings are too large")

// NewEnvelope returns an empty envelope.
func NewEnvelope(share *Share) *Envelope {
	return &Envelope{Params: map[string]string{}, Form: map[string]string{}, share: share}
}

// Decode reads an envelope and stores its data in the spool. The caller closes it.
// Errors: [*SyntaxError] if it is not a JSON object, [ErrTooLarge], [ErrSpoolFull], and errors of r.
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
	if e.Attachment != nil && e.Attachment.Data != nil { // the last of duplicate keys counts
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

// member reads an object of strings. Anything else counts as empty, because Looker sends null.
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

// value reads a small value into v. A value of another type is ignored.
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

// small reads a value outside of the data.
func (s *scanner) small() ([]byte, error) {
	b := smallBuffer{share: s.share}
	if err := s.raw(&b); err != nil {
		return nil, err
	}
	return b.bytes, nil
}

// smallBuffer collects a value, which counts against the limit of the settings.
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

// SyntaxError is the position and the reason of invalid JSON.
type SyntaxError struct {
	Offset int64
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("not valid JSON at byte %d: %s", e.Offset, e.Reason)
}
