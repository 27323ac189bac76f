package s3store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"integrationhub.dev/hub/action"
)

// ErrAbsent means that there is no object, and ErrChanged that the object is not the expected version.
var (
	ErrAbsent  = errors.New("the object does not exist")
	ErrChanged = errors.New("the object was changed")
)

// Get reads an object of at most maxBytes. etag identifies its version.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (s *Store) Get(ctx context.Context, a Account, bucket Bucket, key string, maxBytes int64) (body []byte, etag string, err error) {
	out, err := s.client(a, a.Region, nil).GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(string(bucket)), Key: &key})
	switch {
	case errorCode(err) == "NoSuchKey":
		return nil, "", ErrAbsent
	case err != nil:
		return nil, "", s.explain(ctx, "reading an object", err)
	}
	defer out.Body.Close()
	if body, err = io.ReadAll(io.LimitReader(out.Body, maxBytes+1)); err != nil {
		return nil, "", action.Wrap(fmt.Errorf("reading an object: %w", err), action.Unavailable, "The connection to %s was interrupted.", s.service.Name)
	}
	if int64(len(body)) > maxBytes {
		return nil, "", action.Errorf(action.TooLarge, "The object is larger than %d bytes.", maxBytes)
	}
	return body, aws.ToString(out.ETag), nil
}

// Put writes an object in one request, if its present version is match, or if it does not exist and match is empty. Otherwise the
// error is [ErrChanged]. The new version is returned.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func (s *Store) Put(ctx context.Context, a Account, bucket Bucket, key, contentType, match string, body []byte) (etag string, err error) {
	keep := s.service.Writing
	in := &s3.PutObjectInput{
		Bucket: aws.String(string(bucket)), Key: &key, ContentType: &contentType,
		StorageClass: keep.StorageClass, ServerSideEncryption: keep.Encryption, SSEKMSKeyId: optional(keep.KMSKey),
		Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))),
		ChecksumAlgorithm: s.checksum(), IfMatch: optional(match),
	}
	if match == "" {
		in.IfNoneMatch = aws.String("*")
	}
	out, err := s.client(a, a.Region, nil).PutObject(ctx, in)
	switch code := errorCode(err); {
	case code == "PreconditionFailed", code == "ConditionalRequestConflict", code == "NoSuchKey" && match != "":
		return "", ErrChanged
	case err != nil:
		return "", s.explain(ctx, "writing an object", err)
	case aws.ToString(out.ETag) == "":
		return "", action.Errorf(action.Unavailable, "Unexpected response from %s.", s.service.Name)
	}
	return *out.ETag, nil
}
