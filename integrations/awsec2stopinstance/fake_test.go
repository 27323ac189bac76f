package awsec2stopinstance_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/awsec2stopinstance"
)

const (
	accessKey = "AKIAEXAMPLE"
	secretKey = "s3cret/Key+Example"
)

// fake is a fake of EC2. It checks signatures, and stops all instances of a call or none.
type fake struct {
	// bad maps the instances that cannot be stopped to their error codes.
	bad map[string]string
	// fail returns the response to the nth call if it must fail, or nil.
	fail func(nth int) *actiontest.Reply
	// forgets is an instance that is missing in the response.
	forgets string

	// These are read when the integration has returned.
	calls   [][]string
	stopped map[string]int
}

func (f *fake) start(t *testing.T) action.Integration {
	t.Helper()
	f.stopped = map[string]int{}
	d := actiontest.NewDestination(t).Handle(f.answer)
	return awsec2stopinstance.Fast(actiontest.New(t, awsec2stopinstance.New, actiontest.Deps(t, d, nil)))
}

func refusal(status int, code, message string) actiontest.Reply {
	return actiontest.Reply{Status: status, Body: "<Response><Errors><Error><Code>" + code + "</Code><Message>" + message + "</Message></Error></Errors><RequestID>r</RequestID></Response>"}
}

func (f *fake) answer(r actiontest.Recorded) actiontest.Reply {
	form, err := url.ParseQuery(string(r.Body))
	if err != nil || r.Method != http.MethodPost || form.Get("Action") != "StopInstances" || form.Get("Version") != "2016-11-15" || form.Get("Force") != "" {
		return refusal(400, "InvalidAction", "What?")
	}
	var ids []string
	for n := 1; form.Has(fmt.Sprintf("InstanceId.%d", n)); n++ {
		ids = append(ids, form.Get(fmt.Sprintf("InstanceId.%d", n)))
	}
	f.calls = append(f.calls, ids)
	if f.fail != nil {
		if reply := f.fail(len(f.calls)); reply != nil {
			return *reply
		}
	}
	if code := checkSignature(r); code != "" {
		return refusal(403, code, "quoted: "+secretKey)
	}
	for _, id := range ids {
		if code := f.bad[id]; code != "" {
			return refusal(400, code, "The instance '"+id+"' will\nnot stop.")
		}
	}
	var items strings.Builder
	for _, id := range ids {
		f.stopped[id]++
		if id != f.forgets {
			items.WriteString("<item><instanceId>" + id + "</instanceId><currentState><code>64</code><name>stopping</name></currentState></item>")
		}
	}
	return actiontest.Reply{Body: `<StopInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><instancesSet>` + items.String() + `</instancesSet></StopInstancesResponse>`}
}

// checkSignature signs the request again and compares the signatures. They cover the keys, the region, the
// service, the body and every signed header.
func checkSignature(r actiontest.Recorded) (code string) {
	got := r.Header.Get("Authorization")
	region := strings.TrimSuffix(strings.TrimPrefix(r.Host, "ec2."), ".amazonaws.com")
	if !strings.HasPrefix(got, "AWS4-HMAC-SHA256 Credential="+accessKey+"/") || !strings.Contains(got, "/"+region+"/ec2/aws4_request") {
		return "AuthFailure"
	}
	again, err := http.NewRequest(r.Method, "https://"+r.Host+r.Path, nil)
	if err != nil {
		return "InvalidAction"
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
		return "AuthFailure"
	}
	sum := sha256.Sum256(r.Body)
	creds := aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey}
	err = v4.NewSigner().SignHTTP(again.Context(), creds, again, hex.EncodeToString(sum[:]), "ec2", region, at)
	if err != nil || again.Header.Get("Authorization") != got {
		return "SignatureDoesNotMatch"
	}
	return ""
}
