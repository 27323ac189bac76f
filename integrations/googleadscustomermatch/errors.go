package googleadscustomermatch

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// failure is Google's error for a call or a part of one:
// https://developers.google.com/google-ads/api/docs/best-practices/understand-api-errors
type failure struct {
	Code    int `json:"code"`
	Details []struct {
		Errors []fault `json:"errors"`
	} `json:"details"`
}

// fault is an error within a failure. Its message can quote values, so it is not shown.
type fault struct {
	// Code has one member: the kind of error and its name.
	Code     map[string]string `json:"errorCode"`
	Location struct {
		Path []struct {
			Field string `json:"fieldName"`
			Index *int   `json:"index"`
		} `json:"fieldPathElements"`
	} `json:"location"`
}

func (f *failure) faults() []fault {
	var all []fault
	for _, d := range f.Details {
		all = append(all, d.Errors...)
	}
	return all
}

// name returns the error's name in Google's documentation, such as INVALID_SHA256_FORMAT.
func (f fault) name() string {
	for _, name := range f.Code {
		return name
	}
	return ""
}

// operation returns the index of the person that the fault is about, or -1.
func (f fault) operation() int {
	for _, e := range f.Location.Path {
		if e.Field == "operations" && e.Index != nil {
			return *e.Index
		}
	}
	return -1
}

// err returns the error for the Looker user.
func (f fault) err() *action.Error {
	if known, ok := meanings[f.name()]; ok {
		return action.Errorf(known.Kind, "%s", known.Message)
	}
	return action.Errorf(action.Invalid, "Google Ads did not accept the data. (%s)", f.name())
}

// partial returns an error with an entry for each rejected person. A fault without a person rejects the
// whole batch.
func (f *failure) partial(batch int) error {
	failed := map[int]error{}
	for _, fault := range f.faults() {
		n := fault.operation()
		if n < 0 || n >= batch {
			return fault.err()
		}
		if failed[n] == nil {
			failed[n] = fault.err()
		}
	}
	if len(failed) == 0 {
		return action.Errorf(action.Unavailable, "Google Ads did not accept all rows, without naming them.")
	}
	return deliver.Partial(failed)
}

// explain explains a rejected call by the name of its first error.
func (c *client) explain(err error) error {
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok {
		return err
	}
	f, ok := parseFailure(status.Body)
	if !ok && status.Code == http.StatusNotFound { // the response for an unknown version is a web page
		return action.Wrap(status, action.Internal, "%s", retired)
	}
	faults := f.faults()
	if len(faults) == 0 {
		return err
	}
	known, ok := meanings[faults[0].name()]
	if !ok {
		return action.Wrap(status, action.KindOf(err), "Google Ads did not accept the request. (%s)", faults[0].name())
	}
	return action.Wrap(status, known.Kind, "%s", known.Message)
}

// parseFailure reads an error's body. Streams wrap it in an array.
func parseFailure(body []byte) (f failure, ok bool) {
	type wrapped struct {
		Error *failure `json:"error"`
	}
	var one wrapped
	if json.Unmarshal(body, &one) == nil && one.Error != nil {
		return *one.Error, true
	}
	var many []wrapped
	if json.Unmarshal(body, &many) == nil && len(many) > 0 && many[0].Error != nil {
		return *many[0].Error, true
	}
	return failure{}, false
}

// lastPart returns what follows the last slash.
func lastPart(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
