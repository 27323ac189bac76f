package azurestorage

import (
	"context"
	"encoding/xml"
	"io"
	"net/url"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/choice"
)

// containerPage is a page of the list of containers:
// https://learn.microsoft.com/rest/api/storageservices/list-containers2
type containerPage struct {
	Names      []string `xml:"Containers>Container>Name"`
	NextMarker string
}

// maxPage is the maximum size of a page, of 5,000 containers at most.
const maxPage = 16 << 20

// listContainers returns the names of the account's containers.
func (i *Integration) listContainers(ctx context.Context, a account) ([]string, error) {
	if !a.canList() {
		return nil, choice.ErrDenied
	}
	var names []string
	for marker, more := "", true; more; more = marker != "" {
		page, err := i.containerPage(ctx, a, marker)
		if a.key == "" && lacksPermission(errorCode(err)) { // an account key has all permissions
			return nil, choice.ErrDenied
		}
		if err != nil {
			return nil, a.explain(ctx, "listing containers", err)
		}
		names, marker = append(names, page.Names...), page.NextMarker
	}
	if len(names) == 0 {
		return nil, action.Errorf(action.Invalid, "Create a container in your Azure account.")
	}
	return names, nil
}

// containerPage returns the page at a marker; the first one is at "". The SDK's client of a blob reads it: the URL of the
// account with a query is a blob to it, and it has the credentials and the retries.
func (i *Integration) containerPage(ctx context.Context, a account, marker string) (page containerPage, err error) {
	query := url.Values{"comp": {"list"}}
	if marker != "" {
		query.Set("marker", marker)
	}
	c, err := i.client(a, isTemporary, "?"+query.Encode())
	if err != nil {
		return page, err
	}
	res, err := c.DownloadStream(ctx, nil)
	if err != nil {
		return page, err
	}
	defer res.Body.Close()
	return page, xml.NewDecoder(io.LimitReader(res.Body, maxPage)).Decode(&page)
}
