package datamanager

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/jobs"
)

// pollInterval is how long Google asks to wait before the first look at a request's status.
const pollInterval = 30 * time.Minute

// Outcome counts the records of requests, when Google has processed them.
type Outcome struct {
	Records, Failures int64
	// Unsuccessful is the number of requests that did not succeed. Google may not say why.
	Unsuccessful int
	// Reasons are the numbers of records by the reason of their failure.
	Reasons map[string]int64
}

// Follow waits until Google has processed requests. It is for a job: that takes hours.
func (c *Client) Follow(ctx context.Context, requestIDs []string) (*Outcome, error) {
	left := slices.Clone(requestIDs)
	outcome := &Outcome{Reasons: map[string]int64{}}
	return jobs.Poll(ctx, pollInterval, func(ctx context.Context) (*Outcome, error) {
		for len(left) > 0 {
			var statuses []Status
			err := deliver.Call(ctx, c.statusLimiter, nil, func(ctx context.Context) (err error) {
				statuses, err = c.Status(ctx, left[0])
				return err
			})
			if err != nil {
				return nil, err
			}
			if len(statuses) == 0 || slices.ContainsFunc(statuses, func(s Status) bool { return !s.State.Done() }) {
				return nil, nil //nolint:nilnil // Google processes the others about as long
			}
			for _, s := range statuses {
				outcome.add(s)
			}
			left = left[1:]
		}
		return outcome, nil
	})
}

func (o *Outcome) add(s Status) {
	o.Records += s.Records()
	o.Failures += s.Failures()
	if s.State != Succeeded {
		o.Unsuccessful++
	}
	for _, c := range s.Errors.Counts {
		o.Reasons[reasonInWords(c.Reason)] += c.Records
	}
}

// Err returns nil if Google processed all records. Its text has no data, and is for the hub's log.
func (o *Outcome) Err() error {
	if o.Unsuccessful == 0 {
		return nil
	}
	reasons := []string{fmt.Sprintf("unsuccessful requests: %d", o.Unsuccessful)}
	for _, reason := range slices.Sorted(maps.Keys(o.Reasons)) {
		reasons = append(reasons, fmt.Sprintf("%d: %s", o.Reasons[reason], reason))
	}
	return fmt.Errorf("%s could not process %d of %d records (%s)", Name, o.Failures, o.Records, strings.Join(reasons, "; "))
}

// processingReasons are reasons in words:
// https://developers.google.com/data-manager/api/reference/rest/v1/requestStatus/retrieve
var processingReasons = map[string]string{
	"DENIED_CONSENT":            "consent for ad user data is denied, in the data or in the account's settings",
	"NO_CONSENT":                "the advertiser gave no consent for Google's ad services",
	"UNKNOWN_CONSENT":           "consent could not be determined",
	"INVALID_FORMAT":            "the record has an invalid format",
	"INVALID_MOBILE_ID_FORMAT":  "a mobile device ID is not valid",
	"INTERNAL_ERROR":            "Google had an internal error",
	"EVENT_TOO_OLD":             "the event is too old",
	"INVALID_EVENT":             "the event is not valid",
	"DUPLICATE_GCLID":           "there is a conversion with the same click and time already",
	"DUPLICATE_TRANSACTION_ID":  "there is a conversion with the same transaction ID already",
	"INVALID_GCLID":             "the click ID (gclid) is not valid",
	"INVALID_GBRAID":            "the click ID (gbraid) is not valid",
	"INVALID_WBRAID":            "the click ID (wbraid) is not valid",
	"CLICK_NOT_FOUND":           "no click fits the event",
	"CONVERSION_PRECEDES_CLICK": "the conversion is earlier than its click",
	"TOO_RECENT_CLICK":          "the click is too recent",
	"DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED": "the account has not accepted the terms for enhanced conversions",
}

func reasonInWords(reason string) string {
	short := strings.TrimPrefix(reason, "PROCESSING_ERROR_REASON_")
	if words, ok := processingReasons[short]; ok {
		return words
	}
	if !reasonForm.MatchString(short) {
		return "unknown reason"
	}
	return short
}
