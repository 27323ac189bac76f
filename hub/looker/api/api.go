// Package api is a client of Looker's API 4.0: sessions, integration hubs and integrations. Its types
// and methods are generated from an extract of Looker's OpenAPI document, ../openapi/openapi.yaml.
//
// Call [NewClientWithResponses] with the address up to and including /api/4.0, log in, and pass
// [WithAccessToken] to every other call. Looker also answers with statuses that its document does not
// list, such as 401 and 5xx: check StatusCode before the typed fields of a response.
package api

import (
	"context"
	"net/http"
)

// WithAccessToken authorizes a request with the access token of a login. Looker's scheme is the word
// token, not Bearer.
func WithAccessToken(token string) RequestEditorFn {
	return func(_ context.Context, req *http.Request) error {
		req.Header.Set("Authorization", "token "+token)
		return nil
	}
}
