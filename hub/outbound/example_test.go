package outbound_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// issue is a tracker's response to a new issue.
type issue struct {
	Key string `json:"key"`
}

// Validate makes a response without a key an unexpected one.
func (i *issue) Validate() error {
	if i.Key == "" {
		return errors.New("the response has no key")
	}
	return nil
}

func ExampleAPI_Call() {
	tracker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"key":"OPS-1"}`)
	}))
	defer tracker.Close()
	api := outbound.API{
		Name: "Tracker", Base: tracker.URL, Timeout: time.Minute,
		Client:    outbound.NewClient(outbound.Options{Policy: outbound.Policy{AllowLoopback: true}}),
		Authorize: outbound.Bearer(action.Secret("token")),
		Explain: func(err *action.Error, status *outbound.StatusError) error {
			if status.Code == http.StatusConflict {
				return action.Wrap(err, action.Invalid, "Tracker already has this issue.")
			}
			return err
		},
	}
	var made issue
	if err := api.Call(context.Background(), http.MethodPost, outbound.Path("projects", "OPS", "issues"), map[string]string{"title": "Orders"}, &made); err != nil {
		fmt.Println(action.MessageOf(err))
		return
	}
	fmt.Println(made.Key)
	// Output: OPS-1
}
