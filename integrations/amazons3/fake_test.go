package amazons3_test

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/amazons3"
)

const (
	accessKey = "AKIAEXAMPLE"
	secretKey = "s3cret/Key+Example"
)

// fake is as much of S3 as the integration uses. It checks signatures and checksums, and
// shows an object only once it is complete.
type fake struct {
	// buckets maps each bucket to its region.
	buckets map[string]string
	// host is a custom endpoint's; there, buckets are in the path.
	host string
	// fail says what to answer in place of doing what was asked.
	fail func(operation string, nth int) *actiontest.Reply
	// lose says what to answer after doing what was asked.
	lose func(operation string, nth int) *actiontest.Reply
	// silent leaves out the header that tells a bucket's region.
	silent bool
	// mute leaves the header out of every response, so that only a redirect's body has the region.
	mute bool
	// redirect is the response for a bucket in another region, unless that is a plain redirect.
	redirect actiontest.Reply
	// frontEnd changes each request's headers before its signature is verified.
	frontEnd func(http.Header)
	// locked are the buckets with Object Lock, which accept no body without a checksum.
	locked []string

	// What follows is read once the integration has returned.
	objects    map[string]stored
	uploads    map[string]map[int][]byte
	types      map[string]string
	how        map[string]string
	algorithms map[string]string
	operations []string
	count      map[string]int
	checksums  int
	md5s       int
}

// r2 is the host of an account at Cloudflare R2.
const r2 = "0123456789abcdef.r2.cloudflarestorage.com"

type stored struct {
	Body        string
	ContentType string
	// Kept says how the object is kept: storage class, encryption and key.
	Kept string
}

func kept(h http.Header) string {
	return strings.Trim(h.Get("X-Amz-Storage-Class")+" "+h.Get("X-Amz-Server-Side-Encryption")+" "+h.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"), " ")
}

func newFake() *fake {
	return &fake{
		buckets: map[string]string{"reports": "eu-west-1"},
		objects: map[string]stored{}, uploads: map[string]map[int][]byte{}, types: map[string]string{}, how: map[string]string{},
		algorithms: map[string]string{}, count: map[string]int{},
	}
}

// start puts the fake behind an integration with parts of 1, 2 and 4 KiB, three of each.
func (f *fake) start(t *testing.T, env map[string]string) action.Integration {
	t.Helper()
	d := actiontest.NewDestination(t).Handle(f.answer)
	i := actiontest.New(t, amazons3.New, actiontest.Deps(t, d, env))
	amazons3.Small(i, 3, 1<<10, 2<<10, 4<<10)
	return i
}

func xmlError(status int, code string) actiontest.Reply {
	return actiontest.Reply{
		Status: status,
		Header: map[string]string{"X-Amz-Request-Id": "REQ1", "Content-Type": "application/xml"},
		Body:   "<Error><Code>" + code + "</Code><Message>quoted: " + secretKey + "</Message></Error>",
	}
}

func (f *fake) answer(r actiontest.Recorded) actiontest.Reply {
	switch {
	case strings.HasPrefix(r.Host, "sts."):
		return f.takeOn(r)
	case r.Host == "169.254.170.23":
		return f.agent(r)
	}
	bucket, key, region := f.locate(r)
	operation := operationOf(r, key)
	if f.frontEnd != nil {
		r.Header = r.Header.Clone()
		f.frontEnd(r.Header)
	}
	if r.Broken {
		f.operations = append(f.operations, operation+" broken off")
		return actiontest.Reply{Reset: true}
	}
	f.count[operation]++
	if operation != "UploadPart" {
		f.operations = append(f.operations, strings.TrimSpace(operation+" "+key))
	}
	if f.fail != nil {
		if reply := f.fail(operation, f.count[operation]); reply != nil {
			return *reply
		}
	}
	if code := checkSignature(r, "s3", region); code != "" {
		return xmlError(http.StatusForbidden, code)
	}
	switch {
	case bucket != "":
	case f.host != "" && r.Query.Has("max-buckets"):
		// "ListBuckets search parameter x-id not implemented" is what Cloudflare R2 said of another new parameter:
		// https://github.com/aws/aws-sdk-js-v3/issues/5565
		return xmlError(http.StatusNotImplemented, "NotImplemented")
	default:
		return f.list()
	}
	home, ok := f.buckets[bucket]
	switch {
	case !ok:
		return xmlError(http.StatusNotFound, "NoSuchBucket")
	case home != region:
		reply := xmlError(http.StatusMovedPermanently, "PermanentRedirect")
		if f.redirect.Status != 0 {
			reply.Status, reply.Body = f.redirect.Status, f.redirect.Body
		}
		if !f.mute && (!f.silent || operation == "HeadBucket") {
			reply.Header["X-Amz-Bucket-Region"] = home
		}
		return reply
	}
	if slices.Contains(f.locked, bucket) && f.requiresChecksum(operation) && !hasChecksum(r.Header) {
		return xmlError(http.StatusBadRequest, "InvalidRequest")
	}
	reply := f.write(r, operation, bucket+"/"+key)
	if f.lose != nil {
		if other := f.lose(operation, f.count[operation]); other != nil {
			return *other
		}
	}
	return reply
}

// owners are those who may sign: the owner of the access key, the pod, and whoever took on the
// role.
var owners = map[string]aws.Credentials{
	accessKey:  {AccessKeyID: accessKey, SecretAccessKey: secretKey},
	"ASIAPOD":  {AccessKeyID: "ASIAPOD", SecretAccessKey: "pod", SessionToken: "pod's"},
	"ASIAROLE": {AccessKeyID: "ASIAROLE", SecretAccessKey: "role", SessionToken: "role's"},
}

const (
	podRole = "arn:aws:iam::123456789012:role/pod"
	role    = "arn:aws:iam::123456789012:role/writer"
)

// takeOn is as much of AWS' token service as the integration uses.
func (f *fake) takeOn(r actiontest.Recorded) actiontest.Reply {
	form, err := url.ParseQuery(string(r.Body))
	if err != nil || r.Host != "sts.eu-west-1.amazonaws.com" || form.Get("RoleSessionName") != "integration-hub" {
		return stsError("InvalidRequest")
	}
	operation := form.Get("Action")
	f.count[operation]++
	f.operations = append(f.operations, operation)
	if f.fail != nil {
		if reply := f.fail(operation, f.count[operation]); reply != nil {
			return *reply
		}
	}
	var owner string
	switch {
	case operation == "AssumeRoleWithWebIdentity" && r.Header.Get("Authorization") == "" && form.Get("RoleArn") == podRole && form.Get("WebIdentityToken") == "pod's token":
		owner = "ASIAPOD"
	case operation == "AssumeRole" && checkSignature(r, "sts", "eu-west-1") == "" && form.Get("RoleArn") == role && form.Get("ExternalId") == "looker":
		owner = "ASIAROLE"
	default:
		return stsError("AccessDenied")
	}
	c := owners[owner]
	return actiontest.Reply{Body: "<" + operation + "Response><" + operation + "Result><Credentials><AccessKeyId>" + c.AccessKeyID + "</AccessKeyId><SecretAccessKey>" + c.SecretAccessKey +
		"</SecretAccessKey><SessionToken>" + c.SessionToken + "</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></" + operation + "Result></" + operation + "Response>"}
}

// agent is EKS Pod Identity's:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
func (f *fake) agent(r actiontest.Recorded) actiontest.Reply {
	const operation = "AssumeRoleForPodIdentity"
	f.count[operation]++
	f.operations = append(f.operations, operation)
	if f.fail != nil {
		if reply := f.fail(operation, f.count[operation]); reply != nil {
			return *reply
		}
	}
	if r.Method != http.MethodGet || r.Path != "/v1/credentials" || r.Header.Get("Authorization") != "pod's token" {
		return actiontest.Reply{Status: http.StatusForbidden, Body: `{"code":"AccessDenied","message":"quoted: ` + secretKey + `"}`}
	}
	c := owners["ASIAPOD"]
	return actiontest.Reply{Header: map[string]string{"Content-Type": "application/json"}, Body: `{"AccessKeyId":"` + c.AccessKeyID +
		`","SecretAccessKey":"` + c.SecretAccessKey + `","Token":"` + c.SessionToken + `","AccountId":"1","Expiration":"2099-01-01T00:00:00Z"}`}
}

func stsError(code string) actiontest.Reply {
	return actiontest.Reply{Status: http.StatusForbidden, Body: "<ErrorResponse><Error><Code>" + code + "</Code><Message>quoted: " + secretKey + "</Message></Error></ErrorResponse>"}
}

// locate finds the bucket, the key and the region of the endpoint that was called.
func (f *fake) locate(r actiontest.Recorded) (bucket, key, region string) {
	path := strings.TrimPrefix(r.Path, "/")
	if f.host != "" && r.Host == f.host {
		bucket, key, _ = strings.Cut(path, "/")
		return bucket, key, "eu-west-1"
	}
	host, ok := strings.CutSuffix(r.Host, ".amazonaws.com")
	if !ok {
		return "", "", "not Amazon"
	}
	if region, ok = strings.CutPrefix(host, "s3."); ok {
		bucket, key, _ = strings.Cut(path, "/")
		return bucket, key, region
	}
	bucket, region, _ = strings.Cut(host, ".s3.")
	return bucket, path, region
}

func operationOf(r actiontest.Recorded, key string) string {
	switch {
	case r.Method == http.MethodGet && key == "":
		return "ListBuckets"
	case r.Method == http.MethodHead && key == "":
		return "HeadBucket"
	case r.Method == http.MethodHead:
		return "HeadObject"
	case r.Method == http.MethodPost && r.Query.Has("uploads"):
		return "CreateMultipartUpload"
	case r.Method == http.MethodPut && r.Query.Has("uploadId"):
		return "UploadPart"
	case r.Method == http.MethodPost && r.Query.Has("uploadId"):
		return "CompleteMultipartUpload"
	case r.Method == http.MethodDelete && r.Query.Has("uploadId"):
		return "AbortMultipartUpload"
	case r.Method == http.MethodPut:
		return "PutObject"
	}
	return r.Method
}

// checkSignature signs the request again and compares, which covers the access key, the
// secret key, the region, the service and every signed header.
func checkSignature(r actiontest.Recorded, service, region string) (code string) {
	got := r.Header.Get("Authorization")
	id, _, _ := strings.Cut(strings.TrimPrefix(got, "AWS4-HMAC-SHA256 Credential="), "/")
	creds, known := owners[id]
	if !known || !strings.Contains(got, "/"+region+"/"+service+"/aws4_request") || r.Header.Get("X-Amz-Security-Token") != creds.SessionToken {
		return "InvalidAccessKeyId"
	}
	again, err := http.NewRequest(r.Method, "https://"+r.Host+r.Path+"?"+r.Query.Encode(), nil)
	if err != nil {
		return "InvalidURI"
	}
	_, signed, _ := strings.Cut(got, "SignedHeaders=")
	signed, _, _ = strings.Cut(signed, ",")
	for name := range strings.SplitSeq(signed, ";") {
		switch name {
		case "host":
		case "content-length":
			again.ContentLength, _ = strconv.ParseInt(r.Header.Get(name), 10, 64)
		default:
			again.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return "AccessDenied"
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	hash := r.Header.Get("X-Amz-Content-Sha256")
	if hash == "" { // only S3 gets the hash
		hash = fmt.Sprintf("%x", sha256.Sum256(r.Body))
	}
	err = signer.SignHTTP(again.Context(), creds, again, hash, service, region, at)
	if err != nil || again.Header.Get("Authorization") != got {
		return "SignatureDoesNotMatch"
	}
	return ""
}

func (f *fake) list() actiontest.Reply {
	var names []string
	for name := range f.buckets {
		names = append(names, "<Bucket><Name>"+name+"</Name></Bucket>")
	}
	slices.Sort(names)
	return actiontest.Reply{Body: "<ListAllMyBucketsResult><Buckets>" + strings.Join(names, "") + "</Buckets></ListAllMyBucketsResult>"}
}

func (f *fake) write(r actiontest.Recorded, operation, object string) actiontest.Reply {
	id := r.Query.Get("uploadId")
	parts, known := f.uploads[id]
	if id != "" && !known {
		return xmlError(http.StatusNotFound, "NoSuchUpload")
	}
	body, err := f.unwrap(r)
	if err != nil {
		return xmlError(http.StatusBadRequest, "BadDigest")
	}
	etag := fmt.Sprintf("%q", fmt.Sprintf("%x", md5.Sum(body)))
	switch operation {
	case "HeadObject":
		if _, there := f.objects[object]; !there {
			return actiontest.Reply{Status: http.StatusNotFound}
		}
		return actiontest.Reply{}
	case "PutObject":
		if f.kept(r, object) {
			return xmlError(http.StatusPreconditionFailed, "PreconditionFailed")
		}
		f.objects[object] = stored{string(body), r.Header.Get("Content-Type"), kept(r.Header)}
	case "CreateMultipartUpload":
		id = fmt.Sprintf("upload-%d", len(f.uploads)+1)
		f.uploads[id] = map[int][]byte{}
		f.types[id], f.how[id] = r.Header.Get("Content-Type"), kept(r.Header)
		f.algorithms[id] = r.Header.Get("X-Amz-Checksum-Algorithm")
		return actiontest.Reply{Body: "<InitiateMultipartUploadResult><UploadId>" + id + "</UploadId></InitiateMultipartUploadResult>"}
	case "UploadPart":
		number, _ := strconv.Atoi(r.Query.Get("partNumber"))
		parts[number] = body
		return actiontest.Reply{Header: map[string]string{"ETag": etag, "X-Amz-Checksum-Crc32": crc(body)}}
	case "CompleteMultipartUpload":
		if f.kept(r, object) {
			return xmlError(http.StatusPreconditionFailed, "PreconditionFailed")
		}
		return f.complete(id, object, body)
	case "AbortMultipartUpload":
		delete(f.uploads, id)
		return actiontest.Reply{Status: http.StatusNoContent}
	}
	return actiontest.Reply{Header: map[string]string{"ETag": etag}}
}

// kept reports whether there is an object that the request must not replace. Only Amazon
// heeds that here.
func (f *fake) kept(r actiontest.Recorded, object string) bool {
	_, there := f.objects[object]
	return there && r.Header.Get("If-None-Match") == "*" && f.host == ""
}

// complete puts the parts together that the request names, if they are all there.
func (f *fake) complete(id, object string, body []byte) actiontest.Reply {
	var order struct {
		Part []struct {
			PartNumber    int
			ETag          string
			ChecksumCRC32 string
		}
	}
	if err := xml.Unmarshal(body, &order); err != nil {
		return xmlError(http.StatusBadRequest, "MalformedXML")
	}
	var whole bytes.Buffer
	first := len(f.uploads[id][1])
	for n, p := range order.Part {
		// "All parts except the last one must be the same size. The last part ... must be the same or smaller":
		// https://developers.cloudflare.com/r2/objects/multipart-objects/
		if size := len(f.uploads[id][p.PartNumber]); f.host == r2 && size != first && (size > first || n+1 < len(order.Part)) {
			return xmlError(http.StatusBadRequest, "InvalidPart")
		}
		part, ok := f.uploads[id][p.PartNumber]
		if !ok || p.PartNumber != n+1 || p.ETag != fmt.Sprintf("%q", fmt.Sprintf("%x", md5.Sum(part))) {
			return xmlError(http.StatusBadRequest, "InvalidPart")
		}
		// S3 wants the checksums again if the upload was begun with an algorithm.
		if want := crc(part); f.algorithms[id] == "CRC32" && p.ChecksumCRC32 != want {
			return xmlError(http.StatusBadRequest, "InvalidPart")
		}
		whole.Write(part)
	}
	f.objects[object] = stored{whole.String(), f.types[id], f.how[id]}
	delete(f.uploads, id)
	return actiontest.Reply{Body: "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"}
}

func crc(body []byte) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body)))
}

// requiresChecksum reports whether Object Lock requires a checksum for an operation. Amazon requires it for objects
// and parts, and other servers for the list of the parts, too.
func (f *fake) requiresChecksum(operation string) bool {
	return operation == "PutObject" || operation == "UploadPart" || operation == "CompleteMultipartUpload" && f.host != ""
}

// hasChecksum reports whether a request has one of the headers that Object Lock requires: "Content-MD5 OR
// x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters".
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
func hasChecksum(h http.Header) bool {
	return h.Get("Content-MD5") != "" || strings.HasPrefix(h.Get("X-Amz-Trailer"), "x-amz-checksum-") || h.Get("X-Amz-Checksum-Crc32") != ""
}

// unwrap takes apart the chunks in which the SDK sends a body with a checksum behind it:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
func (f *fake) unwrap(r actiontest.Recorded) ([]byte, error) {
	if sum := md5.Sum(r.Body); r.Header.Get("Content-MD5") != "" {
		f.md5s++
		if r.Header.Get("Content-MD5") != base64.StdEncoding.EncodeToString(sum[:]) {
			return nil, errors.New("wrong Content-MD5")
		}
	}
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
	f.checksums++
	return body, nil
}
