// Package queueaction sends nothing. It succeeds or fails as its data says, to test how the hub and Looker
// handle deliveries.
package queueaction

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"integrationhub.dev/hub/action"
)

var _ action.Integration = (*Integration)(nil)

// settings are the hub's. Any value enables the integration.
type settings struct {
	ChildTest string `env:"CHILD_TEST,required,notEmpty"`
}

// Integration succeeds or fails as its data says.
type Integration struct{}

// New makes the integration if it is enabled.
func New(deps action.Deps) (action.Integration, error) {
	if _, err := action.Settings[settings](deps); err != nil {
		return nil, err
	}
	return &Integration{}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "queue_action", Label: "Test Queue",
		Description: "Used to test process queue in unit tests",
		Types:       []action.Type{action.TypeQuery},
		Download:    action.Push,
		MinVersion:  action.V(5, 5, 0),
	}
}

// maxBytes is the maximum size of the data.
const maxBytes = 64 << 10

// Execute implements [action.Integration]. The data is {"success": true}, or a failure.
func (*Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	if req.Data.Empty() {
		return nil, errNope
	}
	r, err := req.Data.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, maxBytes))
	if err != nil {
		return nil, fmt.Errorf("reading the data: %w", err)
	}
	var outcome struct {
		Success bool `json:"success"`
	}
	switch err := json.Unmarshal(text, &outcome); {
	case err != nil:
		return nil, errNope
	case !outcome.Success:
		return nil, action.Errorf(action.Invalid, "The data requests a failed delivery.")
	}
	return &action.Response{}, nil
}

var errNope = action.Errorf(action.Invalid, "Nope")
