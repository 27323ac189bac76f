package servertest

import (
	"net"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"
)

// The account that Azurite has (https://learn.microsoft.com/azure/storage/common/storage-connect-azurite).
const (
	AzuriteAccount = "devstoreaccount1"
	AzuriteKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// Azurite starts Microsoft's own emulator of Azure Storage, with one container. It returns the URL of the server, whose
// path begins with the account, and a client of the container.
func Azurite(t *testing.T, name string) (string, *container.Client) {
	t.Helper()
	at := Address(t)
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		t.Fatal(err)
	}
	Start(t, at, nil, Program(t, "AZURITE"),
		"--blobHost", host, "--blobPort", port, "--location", t.TempDir(), "--silent", "--skipApiVersionCheck", "--disableTelemetry")
	key, err := service.NewSharedKeyCredential(AzuriteAccount, AzuriteKey)
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + at
	c, err := service.NewClientWithSharedKeyCredential(url+"/"+AzuriteAccount, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	created := c.NewContainerClient(name)
	if _, err := created.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return url, created
}
