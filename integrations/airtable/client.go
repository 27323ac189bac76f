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

// session is one user's access during one request. It renews its tokens once, when Airtable
// refuses them.
type session struct {
	integration *Integration

	mu      sync.Mutex
	tokens  tokens
	renewed bool
}

func (i *Integration) open(state string) *session {
	return &session{integration: i, tokens: parseState(state)}
}

// newState is what Looker shall keep: nil when nothing changed.
func (s *session) newState() *action.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.renewed {
		return nil
	}
	return s.tokens.state()
}

// listBases asks for something that every grant allows.
func (s *session) listBases(ctx context.Context) error {
	var answer struct {
		Bases []json.RawMessage `json:"bases"`
	}
	return s.call(ctx, http.MethodGet, "/meta/bases", nil, &answer)
}

// create adds up to ten records: all of them, or none.
func (s *session) create(ctx context.Context, id baseID, table tableName, batch []record) error {
	var answer struct {
		Records []json.RawMessage `json:"records"`
	}
	err := s.call(ctx, http.MethodPost, outbound.Path(string(id), string(table)), map[string]any{"records": batch}, &answer)
	if err == nil && len(answer.Records) != len(batch) {
		return action.Wrap(errCount, action.Unavailable, "Unexpected response from Airtable. %s", inDoubt)
	}
	switch action.KindOf(err) {
	case action.Unauthenticated, action.Forbidden, action.NotFound:
		return deliver.Stop(err) // no other batch will do better
	default:
		return err
	}
}

// errCount says that an answer names more or fewer records than were sent.
var errCount = errors.New("the answer has another number of records")

// inDoubt goes with an error after which the records may be there.
const inDoubt = "Records may already have been added. Check before retrying."

// call calls Airtable. A refused token was refused before anything was done, so after it
// was renewed the call is made again.
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

var errSignIn = action.Errorf(action.Unauthenticated, "The sign-in at Airtable is missing or no longer valid. Open the form in Looker and log in again.")

func (s *session) access() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens.Access
}

// renew exchanges the refresh token, unless another call did so since the token was read.
func (s *session) renew(ctx context.Context, refused string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens.Access != refused {
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
		Name: "Airtable", Base: base, Client: s.integration.deps.HTTP, Timeout: timeout,
		Authorize: outbound.Bearer(action.Secret(access)), Explain: explain,
	}
	once := deliver.Once{Name: "Airtable"}
	if in != nil {
		once.MaybeDeliveredHint = inDoubt
	}
	return once.Do(ctx, func(ctx context.Context) error { return api.Call(ctx, method, path, in, out) })
}

// explanations say what Airtable's error types mean to the Looker user. Airtable's own texts
// can quote values, so they are not shown:
// https://airtable.com/developers/web/api/errors.
var explanations = map[string]string{
	"UNKNOWN_FIELD_NAME":                     "The table has no field for one of the query's columns. Field names must equal the columns' labels.",
	"INVALID_VALUE_FOR_COLUMN":               "A field of the table does not accept the type of the query's values.",
	"INVALID_MULTIPLE_CHOICE_OPTIONS":        "A select field of the table lacks one of the query's values as an option.",
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
