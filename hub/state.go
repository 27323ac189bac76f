package hub

import (
	"context"
	"encoding/json"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/wire"
)

// sealedState is encrypted state as Looker stores it. KeyID is informational.
type sealedState struct {
	KeyID   string `json:"cid"`
	Payload string `json:"payload"`
}

// openState returns the decrypted state of an integration. It returns "" when Looker sends an
// empty value, "null" or "reset", and when the state cannot be decrypted; then the user has to sign
// in again.
func (s *Server) openState(ctx context.Context, entry *catalog.Entry, text string) string {
	text = strings.TrimSpace(text)
	if text == "" || text == "null" || text == `""` || text == action.Reset || text == `"`+action.Reset+`"` {
		return ""
	}
	var sealed sealedState
	if json.Unmarshal([]byte(text), &sealed) != nil || sealed.Payload == "" {
		return text
	}
	plain, err := s.states.Open(sealed.Payload, statePurpose(entry), 0)
	if err != nil {
		plain, err = s.states.OpenLegacy(sealed.Payload)
	}
	if err != nil || !json.Valid(plain) {
		entry.Log.WarnContext(ctx, "decrypting the user's state failed; the user must sign in again", "error", err)
		return ""
	}
	return string(plain)
}

func statePurpose(entry *catalog.Entry) string { return entry.Definition.Name + "|state" }

// sealState encrypts the state of an integration if ENCRYPT_PAYLOAD or ENCRYPT_PAYLOAD_<NAME>, the
// reference's settings, enable it.
func (s *Server) sealState(entry *catalog.Entry, state *action.State) (*action.State, error) {
	if state == nil || state.Data == "" || state.Data == action.Reset || !entry.EncryptState {
		return state, nil
	}
	seal, keyID := func() (string, error) { return s.states.Seal([]byte(state.Data), statePurpose(entry)) }, s.states.KeyID
	if s.config.StateFormat == config.StateReference {
		seal, keyID = func() (string, error) { return s.states.SealLegacy([]byte(state.Data)) }, s.states.LegacyKeyID
	}
	payload, err := seal()
	if err != nil {
		return nil, err
	}
	data := wire.Marshal(sealedState{KeyID: keyID(), Payload: payload})
	return &action.State{Data: string(data), RefreshTime: state.RefreshTime}, nil
}
