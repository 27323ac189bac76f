package airtable

import (
	"cmp"
	"encoding/json"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// explanations are the meanings of Airtable's error types. Its messages can quote values, so they are
// not shown: https://airtable.com/developers/web/api/errors.
var explanations = map[string]string{
	"UNKNOWN_FIELD_NAME": "The table has no field for one of the query's columns. " +
		"Field names must match the columns' labels.",
	"INVALID_VALUE_FOR_COLUMN": "A field of the table does not accept the type of the query's values.",
	"INVALID_MULTIPLE_CHOICE_OPTIONS": "A select field of the table does not have one of the query's values as an option. Add the option, or " +
		"select Yes at Convert values. This requires permission to change the field.",
	"TABLE_NOT_FOUND":                        "The table does not exist in the base.",
	"NOT_FOUND":                              "The base or table does not exist.",
	"INVALID_PERMISSIONS":                    "The user is not allowed to add or change records in the table, or one of its fields.",
	"INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND": "The base or table does not exist, or the user cannot write to it.",
	monthlyLimit: "The Airtable workspace has used up the API calls that its plan allows in a month. Its owner must upgrade the plan, " +
		"or wait until the next month.",
}

// monthlyLimit is the type of the error of a workspace whose plan has a limit of calls in a month. It has the status of a rate
// limit, but lasts for days: https://support.airtable.com/docs/managing-api-call-limits-in-airtable
const monthlyLimit = "PUBLIC_API_BILLING_LIMIT_EXCEEDED"

func explain(err *action.Error, status *outbound.StatusError) error {
	kind := errorType(status)
	switch {
	case kind == monthlyLimit:
		return deliver.Stop(action.Wrap(err, action.Forbidden, "%s", explanations[kind]))
	case err.Kind == action.RateLimited:
		status.RetryAfter = cmp.Or(status.RetryAfter, afterLimit)
	}
	if text := explanations[kind]; text != "" {
		err = action.Wrap(err, err.Kind, "%s", text)
	}
	if kind == "UNKNOWN_FIELD_NAME" || err.Kind == action.NotFound {
		return deliver.Stop(err) // it applies to every record
	}
	return err
}

// explainUpsert is [explain] for a call that also fails if several records match a row.
func explainUpsert(err *action.Error, status *outbound.StatusError) error {
	if err.Kind == action.Invalid && explanations[errorType(status)] == "" {
		return action.Wrap(err, err.Kind, "Airtable rejected a row (%d). Check that the key fields are not computed, and that no "+
			"two records of the table have the same values in them.", status.Code)
	}
	return explain(err, status)
}

// errorType returns the type of the error in a response, or "".
func errorType(status *outbound.StatusError) string {
	var response struct {
		Error json.RawMessage `json:"error"`
		// Errors are those of limits.
		Errors []struct {
			Type string `json:"error"`
		} `json:"errors"`
	}
	var detail struct {
		Type string `json:"type"`
	}
	switch {
	case json.Unmarshal(status.Body, &response) != nil:
		return ""
	case len(response.Errors) > 0:
		return response.Errors[0].Type
	}
	if json.Unmarshal(response.Error, &detail) != nil {
		_ = json.Unmarshal(response.Error, &detail.Type) // some errors are a bare type
	}
	return detail.Type
}
