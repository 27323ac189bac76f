package hub

import (
	"context"
	"encoding/json"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/wire"
)

// sealedState is how encrypted state looks while Looker keeps it. KeyID only informs.
type sealedState struct {
	KeyID   string `json:"cid"`
	Payload string `json:"payload"`
}

// openState returns what an integration stored at Looker, decrypted, or "" when there is
// nothing: Looker sends nothing, "null" and "reset" alike. State that does not open counts
// as nothing too; then the user is asked to sign in again.
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
		entry.Log.WarnContext(ctx, "the user's stored state does not open: asking for a new sign-in", "error", err)
		return ""
	}
	return string(plain)
}

func statePurpose(entry *catalog.Entry) string { return entry.Definition.Name + "|state" }

// sealState encrypts what an integration wants to be stored, where the environment asks for
// it, for all integrations or for this one, by the reference's names of the settings.
func (s *Server) sealState(entry *catalog.Entry, state *action.State) (*action.State, error) {
	if state == nil || state.Data == "" || state.Data == action.Reset || !s.encrypts(entry) {
		return state, nil
	}
	payload, err := s.states.Seal([]byte(state.Data), statePurpose(entry))
	if err != nil {
		return nil, err
	}
	data := wire.Marshal(sealedState{KeyID: s.states.KeyID(), Payload: payload})
	return &action.State{Data: string(data), RefreshTime: state.RefreshTime}, nil
}

func (s *Server) encrypts(entry *catalog.Entry) bool {
	switch s.env["ENCRYPT_PAYLOAD_"+strings.ToUpper(entry.Definition.Name)] {
	case "true":
		return true
	case "false":
		return false
	}
	return s.env["ENCRYPT_PAYLOAD"] == "true"
}
