//go:build servers

package amazons3_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/amazons3"
	"integrationhub.dev/integrations/internal/servertest"
)

// Against versitygw, an S3 server over a folder.
func TestServer(t *testing.T) {
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
	bucket := aws.String("reports")
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	servertest.Store{
		Integration: actiontest.New(t, amazons3.New, servertest.Deps(t, map[string]string{"AMAZON_S3_ENDPOINT": "http://" + at})),
		Params:      map[string]string{"access_key_id": accessKey, "secret_access_key": secretKey, "region": "us-east-1"},
		Part:        8 << 20,
		Form:        map[string]string{"bucket": *bucket},
		All: func(t *testing.T) map[string]servertest.Object {
			t.Helper()
			list, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: bucket})
			if err != nil {
				t.Fatal(err)
			}
			all := map[string]servertest.Object{}
			for _, o := range list.Contents {
				out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: o.Key})
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(out.Body)
				if err != nil {
					t.Fatal(err)
				}
				all[*o.Key] = servertest.Object{Body: string(body), Type: aws.ToString(out.ContentType), Encoding: aws.ToString(out.ContentEncoding)}
			}
			return all
		},
	}.Deliver(t)
	uploads, err := c.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: bucket})
	if err != nil || len(uploads.Uploads) > 0 {
		t.Errorf("%d uploads are left, %v", len(uploads.Uploads), err)
	}
}
