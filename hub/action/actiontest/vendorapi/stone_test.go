package vendorapi_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"integrationhub.dev/hub/action/actiontest/vendorapi"
)

const stoneFiles = `namespace files
    "Operations on \"files\"."

import common

alias Path = String(max_length=30, pattern="(/(.|[\\r\\n])*)|(ns:[0-9]+(/.*)?)")

route upload (UploadArg, Metadata, UploadError)
    "Creates a file.
    struct Fake
        no Type"

    attrs
        host = "content"
        style = "upload"

route list:2 (ListArg, Void, Void)

route old (ListArg, Void, Void) deprecated

union WriteMode
    "What to do."
    add
        "Keep."
    update Rev
        "Replace."
    cursor Cursor

    example default
        add = null

alias Rev = String(min_length=2)

struct Cursor
    session_id String
    offset UInt64

struct CommitInfo
    path Path
        "Where."
    mode WriteMode = add
    mute Boolean = false
        @common.Deprecated
        "Quiet."
    groups List(other.Group)?

    example default
        path = "/a"

struct UploadArg extends CommitInfo
    hash String?

struct ListArg
    path Path
    limit UInt32?
`

const stoneCommon = `namespace common

union PathRoot
    home
    root NamespaceId

alias NamespaceId = String(pattern="[-_0-9a-zA-Z:]+")
`

func TestStone(t *testing.T) {
	t.Parallel()
	const (
		upload = "POST /2/files/upload"
		list   = "POST /2/files/list_v2"
	)
	tests := map[string]struct {
		host    string
		request vendorapi.Request
		want    []vendorapi.Finding
	}{
		"upload":              {"content", stoneUpload(`{"path":"/a","mode":"add","groups":[{"x":1}],"hash":null}`), nil},
		"tag with a text":     {"content", stoneUpload(`{"path":"/a","mode":{".tag":"update","update":"ab"}}`), nil},
		"tag with a struct":   {"content", stoneUpload(`{"path":"/a","mode":{".tag":"cursor","session_id":"s","offset":1}}`), nil},
		"missing member":      {"content", stoneUpload(`{}`), found(missing, upload, "header Dropbox-API-Arg path")},
		"unknown member":      {"content", stoneUpload(`{"path":"/a","name":"b"}`), found(unknownMember, upload, "header Dropbox-API-Arg name")},
		"other pattern":       {"content", stoneUpload(`{"path":"a"}`), found(invalid, upload, "header Dropbox-API-Arg path")},
		"unknown tag":         {"content", stoneUpload(`{"path":"/a","mode":"replace"}`), found(invalid, upload, "header Dropbox-API-Arg mode")},
		"deprecated member":   {"content", stoneUpload(`{"path":"/a","mute":true}`), found(deprecated, upload, "header Dropbox-API-Arg mute")},
		"no argument":         {"content", stoneUpload(""), found(missing, upload, "header Dropbox-API-Arg")},
		"on the other host":   {"api", stoneUpload(`{"path":"/a"}`), found(unknownPath, upload, "")},
		"call":                {"api", stoneCall("list_v2", `{"path":"ns:1","limit":5}`), nil},
		"call, a wrong type":  {"api", stoneCall("list_v2", `{"path":"ns:1","limit":"5"}`), found(invalid, list, "body limit")},
		"deprecated route":    {"api", stoneCall("old", `{"path":"/"}`), found(deprecated, "POST /2/files/old", "")},
		"path root":           {"api", rooted(`{".tag":"root","root":"12"}`), nil},
		"path root, not JSON": {"api", rooted(`12`), found(invalid, list, "header Dropbox-API-Path-Root")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := vendorapi.ParseStone(tt.host, []byte(stoneFiles), []byte(stoneCommon))
			if err != nil {
				t.Fatal(err)
			}
			got := d.Check(tt.request)
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(vendorapi.Finding{}, "Detail"), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("findings (-want +got):\n%s\n%v", diff, got)
			}
		})
	}
}

func stoneCall(route, body string) vendorapi.Request {
	return vendorapi.Request{
		Method: http.MethodPost, Path: "/2/files/" + route, Body: []byte(body),
		Header: http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer t"}},
	}
}

func stoneUpload(argument string) vendorapi.Request {
	return with(stoneCall("upload", "content"), func(r *vendorapi.Request) {
		r.Header.Set("Content-Type", "application/octet-stream")
		if argument != "" {
			r.Header.Set("Dropbox-API-Arg", argument)
		}
	})
}

func rooted(root string) vendorapi.Request {
	return with(stoneCall("list_v2", `{"path":"/"}`), func(r *vendorapi.Request) { r.Header.Set("Dropbox-API-Path-Root", root) })
}
