package airtable

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

const base = "https://api.airtable.com/v0"

// session has one user's tokens during one request. It refreshes them once, if Airtable rejects them.
type session struct {
	integration *Integration

	mu      sync.Mutex
	tokens  tokens
	renewed bool
}

func (i *Integration) open(state string) *session {
	return &session{integration: i, tokens: parseState(state)}
}

// newState returns the state for Looker to store, or nil if the tokens did not change.
func (s *session) newState() *action.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.renewed {
		return nil
	}
	return s.tokens.state()
}

// listBases checks the sign-in by a call that every grant permits.
func (s *session) listBases(ctx context.Context) error {
	var response struct {
		Bases []json.RawMessage `json:"bases"`
	}
	return s.call(ctx, http.MethodGet, "/meta/bases", nil, &response)
}

// creation is the request for new records. Typecast makes Airtable convert strings, which it does not do by default:
// https://airtable.com/developers/web/api/create-records
type creation struct {
	Records  []record `json:"records"`
	Typecast bool     `json:"typecast,omitempty"`
}

// create adds at most ten records. Airtable adds all of them or none.
func (s *session) create(ctx context.Context, in input, batch []record) error {
	var response struct {
		Records []json.RawMessage `json:"records"`
	}
	err := s.call(ctx, http.MethodPost, outbound.Path(string(in.Base), string(in.Table)), creation{batch, in.Typecast}, &response)
	if err == nil && len(response.Records) != len(batch) {
		return action.Wrap(errCount, action.Unavailable, "Unexpected response from Airtable. %s", inDoubt)
	}
	switch action.KindOf(err) {
	case action.Unauthenticated, action.Forbidden, action.NotFound:
		return deliver.Stop(err) // every other batch would fail too
	default:
		return err
	}
}

// errCount is for a response without a record for each one that was sent.
var errCount = errors.New("the response has a different number of records")

// inDoubt is the hint for errors after which the records may have been added.
const inDoubt = "Records may already have been added. Check before retrying."

// call makes a call, and once more with a new token if the first one was rejected: Airtable checks the
// token before it does anything.
func (s *session) call(ctx context.Context, method, path string, in, out any) error {
	access := s.access()
	if access == "" {
		return errSignIn
	}
	err := s.once(ctx, method, path, access, in, out)
	if action.KindOf(err) != action.Unauthenticated {
		return err
	}
	if access, err = s.renew(ctx, access); err != nil {
		return err
	}
	return s.once(ctx, method, path, access, in, out)
}

var errSignIn = action.Errorf(action.Unauthenticated,
	"The sign-in at Airtable is missing or no longer valid. Open the form in Looker and log in again.")

func (s *session) access() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens.Access
}

// renew exchanges the refresh token, unless another call has already replaced the rejected one.
func (s *session) renew(ctx context.Context, rejected string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens.Access != rejected {
		return s.tokens.Access, nil
	}
	if s.renewed || s.tokens.Refresh == "" {
		return "", errSignIn
	}
	fresh, err := s.integration.refresh(ctx, s.tokens)
	if err != nil {
		return "", err
	}
	s.tokens, s.renewed = fresh, true
	return fresh.Access, nil
}

// timeout bounds one call.
const timeout = time.Minute

func (s *session) once(ctx context.Context, method, path, access string, in, out any) error {
	api := outbound.API{
		Name: "Airtable", Base: base, Client: s.integration.http, Timeout: timeout,
		Authorize: outbound.Bearer(action.Secret(access)), Explain: explain,
	}
	once := deliver.Once{Name: "Airtable"}
	if in != nil {
		once.MaybeDeliveredHint = inDoubt
	}
	return once.Do(ctx, func(ctx context.Context) error { return api.Call(ctx, method, path, in, out) })
}

// explanations are the meanings of Airtable's error types. Its messages can quote values, so they are
// not shown: https://airtable.com/developers/web/api/errors.
var explanations = map[string]string{
	"UNKNOWN_FIELD_NAME": "The table has no field for one of the query's columns. " +
		"Field names must equal the columns' labels.",
	"INVALID_VALUE_FOR_COLUMN": "A field of the table does not accept the type of the query's values.",
	"INVALID_MULTIPLE_CHOICE_OPTIONS": "A select field of the table lacks one of the query's values as an option. Add the option, or " +
		"select Yes at Convert values. The user must be allowed to change the field then.",
	"TABLE_NOT_FOUND":                        "The base has no such table.",
	"NOT_FOUND":                              "The base or table does not exist.",
	"INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND": "The base or table does not exist, or the user cannot write to it.",
}

func explain(err *action.Error, status *outbound.StatusError) error {
	var response struct {
		Error json.RawMessage `json:"error"`
	}
	var detail struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(status.Body, &response) != nil {
		return err
	}
	if json.Unmarshal(response.Error, &detail) != nil {
		_ = json.Unmarshal(response.Error, &detail.Type) // some errors are a bare type
	}
	if text, ok := explanations[detail.Type]; ok {
		err = action.Wrap(err, err.Kind, "%s", text)
	}
	if detail.Type == "UNKNOWN_FIELD_NAME" || err.Kind == action.NotFound {
		return deliver.Stop(err) // it applies to every record
	}
	return err
}
