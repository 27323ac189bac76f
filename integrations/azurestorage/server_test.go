//go:build servers

package azurestorage_test

import (
	"io"
	"net"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"

	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/azurestorage"
	"integrationhub.dev/integrations/internal/servertest"
)

// The account that Azurite has (https://learn.microsoft.com/azure/storage/common/storage-connect-azurite).
const (
	emulated    = "devstoreaccount1"
	emulatedKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// Against Azurite, Microsoft's own emulator.
func TestServer(t *testing.T) {
	at := servertest.Address(t)
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		t.Fatal(err)
	}
	servertest.Start(t, at, nil, servertest.Program(t, "AZURITE"),
		"--blobHost", host, "--blobPort", port, "--location", t.TempDir(), "--silent", "--skipApiVersionCheck", "--disableTelemetry")
	key, err := service.NewSharedKeyCredential(emulated, emulatedKey)
	if err != nil {
		t.Fatal(err)
	}
	c, err := service.NewClientWithSharedKeyCredential("http://"+at+"/"+emulated, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	container := c.NewContainerClient("reports")
	if _, err := container.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	servertest.Store{
		Integration: actiontest.New(t, azurestorage.New, servertest.Deps(t, map[string]string{"AZURE_STORAGE_ENDPOINT": "http://" + at + "/{account}"})),
		Params:      map[string]string{"account": emulated, "accessKey": emulatedKey},
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
