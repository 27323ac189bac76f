package salesforcecampaigns

import (
	"context"
	"iter"
	"net/url"
	"strings"

	"integrationhub.dev/hub/action"
)

// query yields the records of a SOQL query, page by page
// (https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_query.htm).
func query[T any](ctx context.Context, c *client, soql string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		address := c.address("query?q=" + url.QueryEscape(soql))
		for address != "" {
			var page struct {
				Records []T    `json:"records"`
				Done    bool   `json:"done"`
				Next    string `json:"nextRecordsUrl"`
			}
			if err := c.get(ctx, address, &page); err != nil {
				yield(none, err)
				return
			}
			for _, r := range page.Records {
				if !yield(r, nil) {
					return
				}
			}
			switch {
			case page.Done:
				return
			case !strings.HasPrefix(page.Next, "/services/data/"): // the next page must be on the same host: it gets the token
				yield(none, action.Errorf(action.Unavailable, "Salesforce did not say where the rest of the records is."))
				return
			}
			address = string(c.domain) + page.Next
		}
	}
}
