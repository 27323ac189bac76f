//go:build servers

package rowbucket_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"integrationhub.dev/integrations/internal/rowbucket"
	"integrationhub.dev/integrations/internal/servertest"
)

func TestServer(t *testing.T) {
	t.Run("S3", testS3)
	t.Run("Azure Storage", testAzurite)
}

// Against Azurite, Microsoft's own emulator.
func testAzurite(t *testing.T) {
	url, container := servertest.Azurite(t, "rows")
	signed, err := container.GetSASURL(sas.ContainerPermissions{Read: true, Create: true, Write: true}, time.Now().Add(time.Hour), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, signature, _ := strings.Cut(signed, "?")
	for prefix, secret := range map[string]string{"key": servertest.AzuriteKey, "signature": signature} {
		b, err := rowbucket.New(servertest.Deps(t, map[string]string{
			"ROWS_BUCKET":          "https://" + servertest.AzuriteAccount + ".blob.core.windows.net/rows/" + prefix,
			"ROWS_BUCKET_ENDPOINT": url + "/" + servertest.AzuriteAccount, "ROWS_BUCKET_ACCOUNT_KEY": secret,
		}))
		if err != nil {
			t.Fatal(err)
		}
		checkVersions(t, b)
	}
}

// Against versitygw, an S3 server over a folder.
func testS3(t *testing.T) {
	const accessKey, secretKey = "AKIDEXAMPLE", "s3cret-s3cret"
	at, dir := servertest.Address(t), t.TempDir()
	files, metadata := filepath.Join(dir, "files"), filepath.Join(dir, "metadata")
	for _, d := range []string{files, metadata} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	servertest.Start(t, at, []string{"ROOT_ACCESS_KEY=" + accessKey, "ROOT_SECRET_KEY=" + secretKey},
		servertest.Program(t, "VERSITYGW"), "--quiet", "--port", at, "posix", "--sidecar", metadata, files)
	c := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://" + at), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
	})
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("rows")}); err != nil {
		t.Fatal(err)
	}
	b, err := rowbucket.New(servertest.Deps(t, map[string]string{
		"ROWS_BUCKET": "s3://rows/hub", "ROWS_BUCKET_ENDPOINT": "http://" + at,
		"ROWS_BUCKET_ACCESS_KEY_ID": accessKey, "ROWS_BUCKET_SECRET_ACCESS_KEY": secretKey,
	}))
	if err != nil {
		t.Fatal(err)
	}
	checkVersions(t, b)
}
