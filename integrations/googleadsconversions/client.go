package googleadsconversions

import (
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
