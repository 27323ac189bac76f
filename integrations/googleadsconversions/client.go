package googleadsconversions

import (
	"context"
	"fmt"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/google"
	"integrationhub.dev/integrations/internal/google/datamanager"
)

// sender makes what sends events to the conversion action. Calls can be repeated, because each event has a
// transaction ID.
func sender(c *google.Client, in input) *datamanager.Events {
	account := func(id customerID) datamanager.Account {
		return datamanager.Account{Type: datamanager.GoogleAds, ID: string(id)}
	}
	login := account(in.Login)
	return &datamanager.Events{
		Client: datamanager.New(c), Policy: c.Writes,
		To: datamanager.Destination{Login: &login, Operating: account(in.Customer), ID: string(in.Action)},
	}
}

// follow follows the calls in a job, which logs the conversions that Google could not use. It processes
// them within hours.
func (i *Integration) follow(ctx context.Context, e *datamanager.Events) {
	requests := e.Requests()
	if len(requests) == 0 {
		return
	}
	err := i.startJob(ctx, func(context.Context) (action.Job, error) {
		name := fmt.Sprintf("Google Ads conversion action %s, %d requests, the first is %s", e.To.ID, len(requests), requests[0])
		return action.Job{Name: name, Follow: func(ctx context.Context) error {
			outcome, err := e.Client.Follow(ctx, requests)
			if err != nil {
				return err
			}
			return outcome.Err()
		}}, nil
	})
	if err != nil {
		i.Log.WarnContext(ctx, "requests are not followed", "error", err)
	}
}
