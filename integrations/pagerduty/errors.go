package pagerduty

import (
	"encoding/json"
	"net/http"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// explain adds PagerDuty's reasons for rejecting an event.
func explain(err *action.Error, status *outbound.StatusError) error {
	var response struct {
		Errors []string `json:"errors"`
	}
	if status.Code != http.StatusBadRequest || json.Unmarshal(status.Body, &response) != nil || len(response.Errors) == 0 {
		return err
	}
	return action.Wrap(err, action.Invalid, "PagerDuty returned 400: %s", action.Line(strings.Join(response.Errors, " ")))
}
