package customerio

import (
	"cmp"
	"encoding/json"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// explain adds the reason in an unsuccessful response, or what to do about it. [deliver.Stop] ends
// the delivery: every other call would fail too.
func explain(err *action.Error, status *outbound.StatusError) error {
	if err.Kind == action.Unauthenticated || err.Kind == action.Forbidden {
		return deliver.Stop(action.Wrap(err, err.Kind, "Customer.io rejected the site ID and the API key. Check them and the region in the "+
			"action's settings."))
	}
	if status.Code >= 300 && status.Code < 400 {
		return deliver.Stop(action.Wrap(err, err.Kind, "Customer.io redirected the call. Check the region in the action's settings."))
	}
	// Its APIs have these forms of errors: https://docs.customer.io/journeys/invalid-api-requests
	var reply struct {
		response
		Meta struct {
			Error string `json:"error"`
		} `json:"meta"`
		Message string `json:"message"`
	}
	if json.Unmarshal(status.Body, &reply) != nil {
		return err
	}
	text := cmp.Or(reply.Meta.Error, reply.Message)
	if len(reply.Errors) > 0 {
		text = cmp.Or(reply.Errors[0].Message, reply.Errors[0].Reason)
	}
	if text = action.Line(text); text == "" {
		return err
	}
	return action.Wrap(err, err.Kind, "Customer.io returned %d: %s", status.Code, text)
}
