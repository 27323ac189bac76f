// Package debug sleeps instead of delivering. It shows how Looker, the hub and the network between them behave
// during a long delivery.
package debug

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// settings enable the integration. The endpoint's value is not used, as in the reference.
type settings struct {
	Endpoint string `env:"ACTION_HUB_DEBUG_ENDPOINT,required,notEmpty"`
}

const (
	defaultSleep = time.Second
	// maxSleep limits how long a user can occupy a slot of the hub.
	maxSleep = 10 * time.Minute
)

// Integration sleeps.
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
		Name: "debug", Label: "Debug",
		Description: "Sends data to a sample website and optionally sleeps.",
		Types:       []action.Type{action.TypeCell, action.TypeDashboard, action.TypeQuery},
		Formats:     []action.Format{},
		Download:    action.Push,
		MinVersion:  action.V(5, 5, 0),
	}
}

// Form implements [action.FormBuilder].
func (*Integration) Form(context.Context, *action.Request) (*action.Form, error) {
	return &action.Form{Fields: []action.Field{
		{Name: "sleep", Label: "Sleep", Type: action.String},
		{Name: "simulated_download_url", Label: "Simulated Download URL (JSON)", Type: action.String},
	}}, nil
}

// Execute implements [action.Integration].
func (*Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	duration, err := parseSleep(req.Form["sleep"])
	if err != nil {
		return nil, err
	}
	var done string
	if duration > 0 {
		if err := sleep(ctx, duration); err != nil {
			return nil, err
		}
		done = fmt.Sprintf("sleep %s ms...", strconv.FormatFloat(float64(duration)/float64(time.Millisecond), 'f', -1, 64))
	}
	return &action.Response{Message: "Completed debug action successfully by doing " + done + "."}, nil
}

// parseSleep parses a number of milliseconds.
func parseSleep(text string) (time.Duration, error) {
	if text = strings.TrimSpace(text); text == "" {
		return defaultSleep, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil, math.IsNaN(n):
		return 0, action.InvalidField("sleep", "The sleep must be a number of milliseconds.")
	case n > float64(maxSleep/time.Millisecond):
		return 0, action.InvalidField("sleep", "The longest sleep is %d ms.", maxSleep/time.Millisecond)
	}
	return time.Duration(max(n, 0) * float64(time.Millisecond)), nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("sleeping: %w", context.Cause(ctx))
	}
}
