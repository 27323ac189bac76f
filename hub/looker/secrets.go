package looker

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

// redacted replaces a secret in the journal.
const redacted = "(redacted)"

// minSecret is the length below which a text is too short to be searched for.
const minSecret = 4

// minStateText is the same for the texts inside of a state, which are not all secret.
const minStateText = 8

// secrets are the texts that must not be in the journal or in a message.
type secrets struct {
	mu    sync.Mutex
	texts []string
}

func newSecrets() *secrets { return &secrets{} }

func (s *secrets) add(texts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range texts {
		if len(text) < minSecret {
			continue
		}
		s.insert(text)
		if quoted, err := json.Marshal(text); err == nil {
			s.insert(string(quoted[1 : len(quoted)-1])) // as it is inside of JSON
		}
	}
}

// insert keeps the texts sorted, the longest first: a secret can contain another one.
func (s *secrets) insert(text string) {
	i, found := slices.BinarySearchFunc(s.texts, text, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b))
	})
	if !found {
		s.texts = slices.Insert(s.texts, i, text)
	}
}

// addState adds a user's state: all of it, and the texts in it.
func (s *secrets) addState(data string) {
	s.add(data)
	var value any
	if json.Unmarshal([]byte(data), &value) == nil {
		s.addValue(value)
	}
}

func (s *secrets) addValue(value any) {
	switch v := value.(type) {
	case string:
		if len(v) >= minStateText {
			s.add(v)
		}
	case []any:
		for _, member := range v {
			s.addValue(member)
		}
	case map[string]any:
		for _, member := range v {
			s.addValue(member)
		}
	}
}

// redact replaces all secrets in a text.
func (s *secrets) redact(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range s.texts {
		text = strings.ReplaceAll(text, secret, redacted)
	}
	return text
}

// secretMembers are members of JSON and of forms whose values are never recorded.
var secretMembers = []string{
	"authorization_token", "client_secret", "access_token", "refresh_token", "value",
	"state", "state_json", "state_url", "state_redir_url", "download_url", "oauth_url",
}

// redactJSON replaces the secrets in a JSON text: members with secret names, values of params, and all
// known secrets.
func (s *secrets) redactJSON(text []byte) string {
	var value any
	if json.Unmarshal(text, &value) != nil {
		return s.redact(string(text))
	}
	hidden, err := json.Marshal(hideMembers(value))
	if err != nil {
		return redacted
	}
	return s.redact(string(hidden))
}

func hideMembers(value any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = hideMembers(v[i])
		}
	case map[string]any:
		for name, member := range v {
			if slices.Contains(secretMembers, name) && member != nil && member != "" {
				v[name] = redacted
			} else {
				v[name] = hideMembers(member)
			}
		}
	}
	return value
}
