package looker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// state is what an instance keeps. Its members are exported for JSON.
type state struct {
	LastHub int         `json:"last_hub"`
	Hubs    []*hub      `json:"hubs"`
	Users   []User      `json:"users"`
	States  []userState `json:"states"`
}

// hub is a registered hub.
type hub struct {
	ID             string         `json:"id"`
	URL            string         `json:"url"`
	Token          string         `json:"token"`
	Label          string         `json:"label"`
	FetchError     string         `json:"fetch_error"`
	LegalAgreement string         `json:"legal_agreement"`
	LegalSigned    bool           `json:"legal_signed"`
	Integrations   []*integration `json:"integrations"`
}

// integration is an integration of a hub with its settings. Listed is false once the hub no longer
// lists it.
type integration struct {
	Definition Definition         `json:"definition"`
	Listed     bool               `json:"listed"`
	Enabled    bool               `json:"enabled"`
	Settings   map[string]setting `json:"settings"`
	Targets    []string           `json:"targets"`
	// Installations are those of a delegated OAuth client.
	Installations []Installation `json:"installations,omitempty"`
}

// setting is the value of a param: constant, or from a user attribute.
type setting struct {
	Value         string `json:"value"`
	UserAttribute string `json:"user_attribute"`
}

// userState is what an integration keeps for a user.
type userState struct {
	User        string `json:"user"`
	Integration string `json:"integration"`
	Data        string `json:"data"`
	// RefreshSeconds is after how many seconds the form is requested again; 0 is never.
	RefreshSeconds int64     `json:"refresh_seconds"`
	Requested      time.Time `json:"requested"`
}

func loadState(file string) (state, error) {
	// Source: public schedules of Looker name the hub that Looker operates "1", as in
	// looker-integration://1::slack. Other hubs follow it.
	s := state{LastHub: 1}
	if file == "" {
		return s, nil
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("reading the state: %w", err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("reading the state in %s: %w", file, err)
	}
	return s, nil
}

// save writes the state. The caller holds the lock.
func (l *Looker) save() {
	if l.options.StateFile == "" {
		return
	}
	if err := writeState(l.options.StateFile, l.state); err != nil {
		l.options.Log.Error("saving the state", "error", err)
	}
}

// writeState replaces the file at once, so that a program that is killed leaves a whole one.
func writeState(file string, s state) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encoding the state: %w", err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), ".state-*") // mode 0600: it has secrets
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(text)
	if err := errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), file)
}

// addUsers adds the users that the state does not have: those that it has may have been changed.
func (s *state) addUsers(users []User) {
	for _, u := range users {
		if s.user(u.ID) == nil {
			s.Users = append(s.Users, u.clone())
		}
	}
}

func (s *state) user(id string) *User {
	for i := range s.Users {
		if s.Users[i].ID == id {
			return &s.Users[i]
		}
	}
	return nil
}

func (s *state) hub(id string) *hub {
	if i := slices.IndexFunc(s.Hubs, func(h *hub) bool { return h.ID == id }); i >= 0 {
		return s.Hubs[i]
	}
	return nil
}

func (s *state) addHub(h *hub) {
	s.LastHub++
	h.ID = strconv.Itoa(s.LastHub)
	s.Hubs = append(s.Hubs, h)
}

// deleteHub deletes a hub, its settings and its users' states.
func (s *state) deleteHub(id string) {
	for _, i := range s.hub(id).Integrations {
		s.States = slices.DeleteFunc(s.States, func(u userState) bool { return u.Integration == integrationID(id, i.Definition.Name) })
	}
	s.Hubs = slices.DeleteFunc(s.Hubs, func(h *hub) bool { return h.ID == id })
}

// integration finds an integration that its hub lists.
func (s *state) integration(id string) (*hub, *integration) {
	for _, h := range s.Hubs {
		for _, i := range h.Integrations {
			if i.Listed && integrationID(h.ID, i.Definition.Name) == id {
				return h, i
			}
		}
	}
	return nil, nil
}

// integrationID is the ID of an integration.
// Source: public code that uses Looker's API, such as looker-integration://1::google_drive.
func integrationID(hub, name string) string { return hub + "::" + name }

func (s *state) userState(user, integration string) *userState {
	for i := range s.States {
		if s.States[i].User == user && s.States[i].Integration == integration {
			return &s.States[i]
		}
	}
	return nil
}

// addSecrets registers what must not be in the journal.
func (s *state) addSecrets(known *secrets) {
	for _, u := range s.Users {
		known.add(u.ClientSecret)
	}
	for _, h := range s.Hubs {
		known.add(h.Token)
		for _, i := range h.Integrations {
			for name, set := range i.Settings {
				if i.Definition.sensitive(name) {
					known.add(set.Value)
				}
			}
		}
	}
	for _, u := range s.States {
		known.addState(u.Data)
	}
}
