package datamanager

import (
	"context"
	"time"
)

// AudienceMember is a person, by one kind of data.
type AudienceMember struct {
	// Composite is what Google recommends over user data alone:
	// https://developers.google.com/data-manager/api/devguides/audiences/google-ads/customer-match/upload-data
	Composite *CompositeData `json:"compositeData,omitempty"`
	Mobile    *MobileData    `json:"mobileData,omitempty"`
}

// CompositeData is a person's contact data.
type CompositeData struct {
	User UserData `json:"userData"`
}

// MobileData are the advertising IDs of a person's devices, at most [MaxIdentifiers].
type MobileData struct {
	IDs []string `json:"mobileIds"`
}

// IngestAudienceMembers adds people to audiences.
type IngestAudienceMembers struct {
	Destinations []Destination    `json:"destinations"`
	Members      []AudienceMember `json:"audienceMembers"`
	Consent      *Consent         `json:"consent,omitempty"`
	Encoding     Encoding         `json:"encoding,omitempty"`
	Terms        *TermsOfService  `json:"termsOfService,omitempty"`
}

// TermsOfService are the terms that the operating account accepted.
type TermsOfService struct {
	CustomerMatch TermsStatus `json:"customerMatchTermsOfServiceStatus"`
}

// TermsStatus is whether terms were accepted.
type TermsStatus string

// TermsAccepted is required for contact data and mobile IDs:
// https://support.google.com/adspolicy/answer/6299717
const TermsAccepted TermsStatus = "ACCEPTED"

// IngestAudienceMembers makes one call. It can be repeated: an audience has each person once.
func (c *Client) IngestAudienceMembers(ctx context.Context, in IngestAudienceMembers) (Accepted, error) {
	return c.Post(ctx, "audienceMembers:ingest", in)
}

// RemoveAudienceMembers removes people from audiences.
type RemoveAudienceMembers struct {
	Destinations []Destination    `json:"destinations"`
	Members      []AudienceMember `json:"audienceMembers"`
	Encoding     Encoding         `json:"encoding,omitempty"`
}

// RemoveAudienceMembers makes one call. It can be repeated.
func (c *Client) RemoveAudienceMembers(ctx context.Context, in RemoveAudienceMembers) (Accepted, error) {
	return c.Post(ctx, "audienceMembers:remove", in)
}

// RemoveOlderMembers removes the people whom the audience has had since before a time, and who were not
// added again after it. It can be repeated:
// https://developers.google.com/data-manager/api/devguides/audiences/google-ads/customer-match/remove-all-members
func (c *Client) RemoveOlderMembers(ctx context.Context, to Destination, before time.Time) (Accepted, error) {
	return c.Post(ctx, "audienceMembers:removeAll", struct {
		Destinations []Destination `json:"destinations"`
		Before       time.Time     `json:"removeAsOfTime"`
	}{[]Destination{to}, before.UTC()})
}
