//go:build servers

package azurestorage_test

import (
	"io"
	"testing"

	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/azurestorage"
	"integrationhub.dev/integrations/internal/servertest"
)

// Against Azurite, Microsoft's own emulator.
func TestServer(t *testing.T) {
	url, container := servertest.Azurite(t, "reports")
	servertest.Store{
		Integration: actiontest.New(t, azurestorage.New, servertest.Deps(t, map[string]string{"AZURE_STORAGE_ENDPOINT": url + "/{account}"})),
		Params:      map[string]string{"account": servertest.AzuriteAccount, "accessKey": servertest.AzuriteKey},
		Part:        8 << 20,
		Form:        map[string]string{"container": "reports"},
		All: func(t *testing.T) map[string]servertest.Object {
			t.Helper()
			all := map[string]servertest.Object{}
			for pages := container.NewListBlobsFlatPager(nil); pages.More(); {
				page, err := pages.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, b := range page.Segment.BlobItems {
					out, err := container.NewBlobClient(*b.Name).DownloadStream(t.Context(), nil)
					if err != nil {
						t.Fatal(err)
					}
					body, err := io.ReadAll(out.Body)
					if err != nil {
						t.Fatal(err)
					}
					o := servertest.Object{Body: string(body)}
					if out.ContentType != nil {
						o.Type = *out.ContentType
					}
					if out.ContentEncoding != nil {
						o.Encoding = *out.ContentEncoding
					}
					all[*b.Name] = o
				}
			}
			return all
		},
	}.Deliver(t)
}
