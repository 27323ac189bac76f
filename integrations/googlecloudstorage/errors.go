package googlecloudstorage

import (
	"encoding/json"
	"net/http"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// explain adds Google's reason for rejecting a request:
// https://cloud.google.com/storage/docs/json_api/v1/status-codes
func explain(err *action.Error, status *outbound.StatusError) error {
	switch {
	case status.Code < http.StatusBadRequest:
		return err
	case status.Code == http.StatusPreconditionFailed:
		return action.Wrap(err, action.Invalid, "A file with this name already exists.").WithField("filename")
	}
	var response struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(status.Body, &response) != nil || response.Error.Message == "" {
		return err
	}
	return action.Wrap(err, err.Kind, "%s returned %d: %s", name, status.Code, action.Line(response.Error.Message))
}
