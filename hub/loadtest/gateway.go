package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	accessKey = "load"
	secretKey = "the secret key of load"
	bucket    = "load"
	region    = "us-east-1"
)

// newStore is a client of a gateway.
func newStore(endpoint string) *s3.Client {
	return s3.New(s3.Options{
		Region: region, BaseEndpoint: aws.String(endpoint), UsePathStyle: true,
		Credentials:                credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
	})
}

// startGateway starts versitygw over a folder of the site.
func (s *site) startGateway(ctx context.Context, program string) (endpoint string, stop func(), err error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return "", nil, err
	}
	dir, metadata := filepath.Join(s.dir, "objects"), filepath.Join(s.dir, "metadata")
	// Extended attributes, where the gateway keeps what it knows of objects, are too small on
	// ext4 for what it knows of a thousand parts.
	for _, d := range []string{dir, metadata} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return "", nil, fmt.Errorf("making the gateway's folder: %w", err)
		}
	}
	cmd := exec.Command(program, "--quiet", "--port", address, "posix", "--sidecar", metadata, dir) //nolint:gosec,noctx // the user's program
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+accessKey, "ROOT_SECRET_KEY="+secretKey)
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("starting versitygw: %w", err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is of no interest: it has said why
		close(exited)
	}()
	stop = func() {
		_ = cmd.Process.Signal(syscall.SIGKILL)
		<-exited
		_ = os.RemoveAll(dir)
		_ = os.RemoveAll(metadata)
	}
	endpoint = "http://" + address
	for {
		probe, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
		if err != nil {
			stop()
			return "", nil, err
		}
		res, err := s.client.Do(probe)
		if err == nil {
			_ = res.Body.Close()
			return endpoint, stop, nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-exited:
			stop()
			return "", nil, errors.New("versitygw ended instead of serving")
		case <-ctx.Done():
			stop()
			return "", nil, ctx.Err()
		}
	}
}

func makeBucket(ctx context.Context, store *s3.Client) error {
	if _, err := store.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		return fmt.Errorf("making a bucket: %w", err)
	}
	return nil
}

// fetch reads an object back.
func fetch(ctx context.Context, store *s3.Client, key string) (digest, error) {
	out, err := store.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &key})
	if err != nil {
		return digest{}, fmt.Errorf("fetching the object: %w", err)
	}
	defer out.Body.Close()
	var got digest
	err = copyBuffered(&got, out.Body)
	return got, err
}
