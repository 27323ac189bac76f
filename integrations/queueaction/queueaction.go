// Package queueaction delivers nothing and succeeds or fails as its data says: for tests of
// what is around deliveries.
package queueaction

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"integrationhub.dev/hub/action"
)

var _ action.Integration = (*Integration)(nil)

// settings are the hub's. The value is not used: it only says that the integration is wanted.
type settings struct {
	ChildTest string `env:"CHILD_TEST,required,notEmpty"`
}

// Integration does as it is told.
type Integration struct{}

// New makes the integration, where it is wanted.
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

// maxVerdict is more than a verdict can need.
const maxVerdict = 64 << 10

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
	text, err := io.ReadAll(io.LimitReader(r, maxVerdict))
	if err != nil {
		return nil, fmt.Errorf("reading the data: %w", err)
	}
	var verdict struct {
		Success bool `json:"success"`
	}
	switch err := json.Unmarshal(text, &verdict); {
	case err != nil:
		return nil, errNope
	case !verdict.Success:
		return nil, action.Errorf(action.Invalid, "The data says that the delivery fails.")
	}
	return &action.Response{}, nil
}

var errNope = action.Errorf(action.Invalid, "Nope")
