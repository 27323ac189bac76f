package datamanager

import (
	"context"
	"net/url"
)

// RequestState is how far Google is with the data of one request for one destination.
type RequestState string

// The states of requests.
const (
	Processing     RequestState = "PROCESSING"
	Succeeded      RequestState = "SUCCESS"
	PartlyFailed   RequestState = "PARTIAL_SUCCESS"
	Failed         RequestState = "FAILED"
	unknownRequest RequestState = "REQUEST_STATUS_UNKNOWN"
)

// Done reports whether Google has processed the request.
func (s RequestState) Done() bool { return s != Processing && s != unknownRequest && s != "" }

// Status is the status of a request for one destination:
// https://developers.google.com/data-manager/api/devguides/diagnostics
type Status struct {
	State    RequestState `json:"requestStatus"`
	Errors   errorInfoOf  `json:"errorInfo"`
	Warnings warningInfo  `json:"warningInfo"`
	// One of these has the number of records.
	Ingested  ingested `json:"audienceMembersIngestionStatus"`
	Removed   removed  `json:"audienceMembersRemovalStatus"`
	EventsNew counted  `json:"eventsIngestionStatus"`
}

type errorInfoOf struct {
	Counts []ReasonCount `json:"errorCounts"`
}

type warningInfo struct {
	Counts []ReasonCount `json:"warningCounts"`
}

// ReasonCount is the number of records with a reason.
type ReasonCount struct {
	Records int64  `json:"recordCount,string"`
	Reason  string `json:"reason"`
}

type counted struct {
	Records int64 `json:"recordCount,string"`
}

// ingested has one member, for the kind of data.
type ingested struct {
	User      counted `json:"userDataIngestionStatus"`
	Mobile    counted `json:"mobileDataIngestionStatus"`
	Composite counted `json:"compositeDataIngestionStatus"`
}

type removed struct {
	User      counted `json:"userDataRemovalStatus"`
	Mobile    counted `json:"mobileDataRemovalStatus"`
	Composite counted `json:"compositeDataRemovalStatus"`
}

// Records is the number of records in the request.
func (s Status) Records() int64 {
	return s.Ingested.User.Records + s.Ingested.Mobile.Records + s.Ingested.Composite.Records +
		s.Removed.User.Records + s.Removed.Mobile.Records + s.Removed.Composite.Records + s.EventsNew.Records
}

// Failures is the number of records that Google could not process. Google may leave out the counts.
func (s Status) Failures() int64 {
	if s.State == Failed {
		return s.Records()
	}
	var n int64
	for _, c := range s.Errors.Counts {
		n += c.Records
	}
	return n
}

// Status returns the status of an accepted request by destination. Google asks to wait for half an hour
// before the first call.
func (c *Client) Status(ctx context.Context, requestID string) ([]Status, error) {
	var out struct {
		Statuses []Status `json:"requestStatusPerDestination"`
	}
	err := c.google.Read(ctx, base+"requestStatus:retrieve", url.Values{"requestId": {requestID}}, &out)
	return out.Statuses, explain(err)
}
