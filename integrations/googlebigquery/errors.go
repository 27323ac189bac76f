package googlebigquery

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/objectstore"
)

// explain adds Google's reason for rejecting a request:
// https://cloud.google.com/bigquery/docs/error-messages
func explain(err *action.Error, status *outbound.StatusError) error {
	var response struct {
		Error struct {
			Message string       `json:"message"`
			Errors  []errorProto `json:"errors"`
		} `json:"error"`
	}
	if json.Unmarshal(status.Body, &response) != nil {
		return err
	}
	for _, e := range response.Error.Errors {
		if explained := temporary(e.Reason); explained != nil {
			explained.Err = err
			return explained
		}
	}
	if response.Error.Message == "" {
		return err
	}
	return action.Wrap(err, err.Kind, "%s returned %d: %s", name, status.Code, action.Line(response.Error.Message))
}

// temporary explains reasons that have nothing to do with the request. It returns nil for another one.
func temporary(reason string) *action.Error {
	switch reason {
	case "rateLimitExceeded", "jobRateLimitExceeded":
		return action.Errorf(action.RateLimited, "%s is rate limiting requests. Try again later.", name)
	case "quotaExceeded":
		return action.Errorf(action.RateLimited, "The project has used up one of its quotas for %s. Try again later.", name)
	case "backendError", "internalError", "jobBackendError", "jobInternalError", "tableUnavailable", "resourceInUse":
		return action.Errorf(action.Unavailable, "%s is temporarily unavailable. Try again later.", name)
	}
	return nil
}

// explainJob returns nil if a job succeeded, and otherwise says why it failed. BigQuery's messages quote values of the
// rows, so that only the names of columns and types are taken from them.
func explainJob(j *job, columns []*column) error {
	result := j.Status.Error
	if result == nil {
		return nil
	}
	detail := fmt.Errorf("load job %s: reason %q", j.Reference, objectstore.ErrorCode(result.Reason))
	e := temporary(result.Reason)
	if e == nil {
		e = refusal(j, columns)
	}
	e.Err = detail
	e.Message += " Nothing was loaded. Load job: " + j.Reference.String() + "."
	return e
}

// refusal explains a job's error for which the request or the data is the reason.
func refusal(j *job, columns []*column) *action.Error {
	result := j.Status.Error
	switch result.Reason {
	case "accessDenied":
		return action.Errorf(action.Forbidden,
			"The account lacks a permission for the table. It needs the role BigQuery Data Editor on the dataset.")
	case "notFound":
		return action.Errorf(action.NotFound, "The dataset or the table does not exist.")
	case "duplicate":
		e := action.InvalidField("write", "The table already has rows.")
		return e
	case "stopped":
		return action.Errorf(action.Unavailable, "The load job was canceled in BigQuery.")
	case "billingNotEnabled", "billingTierLimitExceeded":
		return action.Errorf(action.Forbidden, "The project needs billing to be enabled for this.")
	case "timeout", "jobTimeout":
		return action.Errorf(action.Timeout, "BigQuery stopped the load job because it took too long.")
	}
	for _, text := range messages(j) {
		if e := explainData(text, columns); e != nil {
			return e
		}
	}
	return action.Errorf(action.Invalid, "BigQuery rejected the data (%s).", objectstore.ErrorCode(result.Reason))
}

// messages are those of the job's errors, the most specific ones first.
func messages(j *job) []string {
	var all []string
	for _, e := range j.Status.Errors {
		all = append(all, e.Message)
	}
	return append(all, j.Status.Error.Message)
}

// meanings are BigQuery's messages about data and schemas. The first group is a column, and the others are types.
// https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-json#troubleshoot
var meanings = []struct {
	pattern *regexp.Regexp
	text    string
}{
	{
		regexp.MustCompile(`Field:? (\S+) has changed type from (\w+) to (\w+)`),
		"The column %s has the type %s in the table, and %s in the result.",
	},
	{regexp.MustCompile(`Field:? (\S+) has changed mode from (\w+) to (\w+)`), "The column %s is %s in the table, and %s in the result."},
	{regexp.MustCompile(`Cannot add fields \(field: ([^)]+)\)`), "The table lacks the column %s."},
	{regexp.MustCompile(`No such field: (\S+)`), "The table lacks the column %s."},
	{regexp.MustCompile(`Field:? (\S+) is missing in new schema`), "The table's column %s is not in the result."},
	{regexp.MustCompile(`Missing required fields?:? (?:Msg_\w+\.)?(\S+)`), "The table requires a value in the column %s, and a row has none."},
	{regexp.MustCompile(`Required field (\S+) cannot be null`), "The table requires a value in the column %s, and a row has none."},
	{regexp.MustCompile(`Could not (?:parse|convert) .* as (?:\w+) for field (\S+)`), "BigQuery cannot convert a value of the column %s."},
	{regexp.MustCompile(`Field: (\S+?); Value:`), "BigQuery cannot convert a value of the column %s."},
	{
		regexp.MustCompile(`Invalid (?:NUMERIC|BIGNUMERIC|date|timestamp|datetime|time)\b.*Field: (\S+)`),
		"BigQuery cannot convert a value of the column %s.",
	},
}

var (
	partitionMismatch = regexp.MustCompile(`(?i)incompatible table partitioning|non-partitioned table|not a partitioned table`)
	word              = regexp.MustCompile(`^[A-Z][A-Z0-9]*$`)
)

// explainData explains a message, or returns nil. Nothing in it is shown but columns of the result and types.
func explainData(text string, columns []*column) *action.Error {
	if partitionMismatch.MatchString(text) {
		return action.InvalidField("partition", "The table is not partitioned by time in this way.")
	}
	for _, m := range meanings {
		groups := m.pattern.FindStringSubmatch(text)
		if groups == nil {
			continue
		}
		args := []any{named(groups[1], columns)}
		if args[0] == "" { // it may be a value
			return nil
		}
		for _, g := range groups[2:] {
			if !word.MatchString(g) {
				return nil
			}
			args = append(args, g)
		}
		return action.Errorf(action.Invalid, m.text, args...)
	}
	return nil
}

// named returns the name of one of the columns, or "".
func named(text string, columns []*column) string {
	text = strings.Trim(text, `.,;:'"`)
	for _, c := range columns {
		if strings.EqualFold(c.name, text) {
			return c.name
		}
	}
	return ""
}
