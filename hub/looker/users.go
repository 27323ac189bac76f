package looker

import (
	"maps"
	"slices"
)

// User is a user of the instance with API credentials.
type User struct {
	ID           string       `json:"id"`
	ClientID     string       `json:"client_id"`
	ClientSecret string       `json:"client_secret"`
	Permissions  []Permission `json:"permissions"`
	// Attributes are the user's values of user attributes.
	Attributes map[string]string `json:"attributes"`
}

// Permission is a permission of Looker.
type Permission string

// Admin allows everything. SendToIntegration allows to use integrations, and is part of it.
const (
	Admin             Permission = "admin"
	SendToIntegration Permission = "send_to_integration"
)

func (u *User) may(p Permission) bool {
	return slices.Contains(u.Permissions, Admin) || slices.Contains(u.Permissions, p)
}

func (u User) clone() User {
	u.Permissions = slices.Clone(u.Permissions)
	u.Attributes = maps.Clone(u.Attributes)
	if u.Attributes == nil {
		u.Attributes = map[string]string{}
	}
	return u
}
