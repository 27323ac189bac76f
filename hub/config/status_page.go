package config

import (
	"errors"
	"strings"

	"integrationhub.dev/hub/action"
)

// StatusPage is who may read the status page.
type StatusPage string

// The values of ACTION_HUB_STATUS_PAGE.
const (
	// StatusPagePublic shows it to everyone who reaches the hub.
	StatusPagePublic StatusPage = "public"
	// StatusPageToken shows it to those who have Looker's token. Others see the hub's label only.
	StatusPageToken StatusPage = "token"
	StatusPageOff   StatusPage = "off"
)

// UnmarshalText implements [encoding.TextUnmarshaler]. It accepts the booleans that the setting had
// before: true meant a public page.
func (p *StatusPage) UnmarshalText(text []byte) error {
	value := StatusPage(strings.ToLower(strings.TrimSpace(string(text))))
	switch value {
	case StatusPagePublic, StatusPageToken, StatusPageOff:
		*p = value
		return nil
	}
	on, err := action.ParseBool(string(value))
	if err != nil {
		return errors.New("must be public, token or off")
	}
	if *p = StatusPageOff; on {
		*p = StatusPagePublic
	}
	return nil
}
