package rows

import (
	"fmt"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// Response answers a delivery of rows. format has a verb for the number of items that were
// delivered, such as "%d rows sent to Braze.". itemName is their plural in an error's message.
func Response(result *deliver.Result, itemName, format string) (*action.Response, error) {
	if err := result.Err(itemName); err != nil {
		return nil, err
	}
	return &action.Response{Message: fmt.Sprintf(format, result.Sent())}, nil
}
