package sagemakertest

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"integrationhub.dev/hub/action/actiontest"
)

func s3Operation(r actiontest.Recorded) string {
	uploads := r.Query.Has("uploadId")
	switch {
	case r.Method == http.MethodGet:
		return "ListBuckets"
	case r.Method == http.MethodHead:
		return "HeadBucket"
	case r.Method == http.MethodPost && r.Query.Has("uploads"):
		return "CreateMultipartUpload"
	case r.Method == http.MethodPut && uploads:
		return "UploadPart"
	case r.Method == http.MethodPost && uploads:
		return "CompleteMultipartUpload"
	case r.Method == http.MethodDelete && uploads:
		return "AbortMultipartUpload"
	case r.Method == http.MethodPut:
		return "PutObject"
	}
	return r.Method
}

func (f *AWS) s3(r actiontest.Recorded, operation, bucket, key, region string) actiontest.Reply {
	if operation == "ListBuckets" {
		return f.listBuckets()
	}
	switch home, ok := f.Buckets[bucket]; {
	case !ok && operation == "HeadBucket":
		return actiontest.Reply{Status: http.StatusNotFound}
	case !ok:
		return S3Error(http.StatusNotFound, "NoSuchBucket")
	case home != region:
		reply := S3Error(http.StatusMovedPermanently, "PermanentRedirect")
		reply.Header["X-Amz-Bucket-Region"] = home
		if operation == "HeadBucket" {
			reply.Body = ""
		}
		return reply
	case operation == "HeadBucket":
		return actiontest.Reply{Header: map[string]string{"X-Amz-Bucket-Region": home}}
	}
	body, err := unwrap(r)
	if err != nil {
		return S3Error(http.StatusBadRequest, "BadDigest")
	}
	id := r.Query.Get("uploadId")
	if _, known := f.uploads[id]; id != "" && !known {
		return S3Error(http.StatusNotFound, "NoSuchUpload")
	}
	return f.write(operation, id, bucket+"/"+key, r.Query.Get("partNumber"), body)
}

func (f *AWS) write(operation, id, object, part string, body []byte) actiontest.Reply {
	etag := fmt.Sprintf("%q", crc(body)) // opaque to clients, like those of S3
	switch operation {
	case "PutObject":
		f.objects[object] = string(body)
	case "CreateMultipartUpload":
		id = fmt.Sprintf("upload-%d", f.count[operation])
		f.uploads[id] = map[int][]byte{}
		return actiontest.Reply{Body: "<InitiateMultipartUploadResult><UploadId>" + id + "</UploadId></InitiateMultipartUploadResult>"}
	case "UploadPart":
		number, _ := strconv.Atoi(part)
		f.uploads[id][number] = body
		return actiontest.Reply{Header: map[string]string{"ETag": etag, "X-Amz-Checksum-Crc32": crc(body)}}
	case "CompleteMultipartUpload":
		var whole bytes.Buffer
		for n := range len(f.uploads[id]) {
			whole.Write(f.uploads[id][n+1])
		}
		f.objects[object] = whole.String()
		delete(f.uploads, id)
		return actiontest.Reply{Body: "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"}
	case "AbortMultipartUpload":
		delete(f.uploads, id)
		return actiontest.Reply{Status: http.StatusNoContent}
	}
	return actiontest.Reply{Header: map[string]string{"ETag": etag}}
}

func (f *AWS) listBuckets() actiontest.Reply {
	var names []string
	for name := range f.Buckets {
		names = append(names, "<Bucket><Name>"+name+"</Name></Bucket>")
	}
	slices.Sort(names)
	return actiontest.Reply{Body: "<ListAllMyBucketsResult><Buckets>" + strings.Join(names, "") + "</Buckets></ListAllMyBucketsResult>"}
}

func crc(body []byte) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body)))
}

// unwrap decodes the chunks of a body with a trailing checksum:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
func unwrap(r actiontest.Recorded) ([]byte, error) {
	if r.Header.Get("Content-Encoding") != "aws-chunked" {
		return r.Body, nil
	}
	in := bufio.NewReader(bytes.NewReader(r.Body))
	var body []byte
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		size, err := strconv.ParseInt(strings.TrimSpace(line), 16, 64)
		if err != nil {
			return nil, err
		}
		if size == 0 {
			break
		}
		chunk := make([]byte, size+2)
		if _, err := io.ReadFull(in, chunk); err != nil {
			return nil, err
		}
		body = append(body, chunk[:size]...)
	}
	trailer, err := in.ReadString('\n')
	if err != nil || strings.TrimSpace(trailer) != "x-amz-checksum-crc32:"+crc(body) {
		return nil, fmt.Errorf("trailer %q", trailer)
	}
	return body, nil
}
