package vendorapi_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"integrationhub.dev/hub/action/actiontest/vendorapi"
)

const drive = `{
	"title": "Files", "version": "v1", "servicePath": "drive/v1/",
	"auth": {"oauth2": {"scopes": {}}},
	"parameters": {
		"alt": {"type": "string", "enum": ["json", "media"], "location": "query"},
		"uploadType": {"type": "string", "location": "query"}
	},
	"schemas": {
		"File": {"id": "File", "type": "object", "properties": {
			"name": {"type": "string", "annotations": {"required": ["files.create"]}},
			"size": {"type": "string", "format": "int64"},
			"created": {"type": "string", "format": "google-datetime"},
			"link": {"type": "string", "readOnly": true},
			"parents": {"type": "array", "items": {"type": "string"}},
			"labels": {"type": "object", "additionalProperties": {"$ref": "Label"}},
			"label": {"$ref": "Label", "deprecated": true},
			"anything": {"type": "any"}
		}},
		"Label": {"id": "Label", "type": "object", "properties": {"text": {"type": "string"}}}
	},
	"resources": {"files": {"methods": {
		"create": {
			"id": "files.create", "path": "{+parent}/files", "flatPath": "drives/{drivesId}/files", "httpMethod": "POST",
			"parameters": {
				"parent": {"type": "string", "location": "path", "required": true, "pattern": "^drives/[^/]+$"},
				"fields": {"type": "string", "location": "query", "repeated": true},
				"convert": {"type": "boolean", "location": "query", "deprecated": true}
			},
			"request": {"$ref": "File"},
			"mediaUpload": {"protocols": {"simple": {"path": "/upload/drive/v1/{+parent}/files"}}}
		},
		"get": {
			"id": "files.get", "path": "files/{id}", "httpMethod": "GET",
			"parameters": {"id": {"type": "string", "location": "path", "required": true}}
		},
		"update": {"id": "files.update", "path": "files", "httpMethod": "PATCH", "request": {"$ref": "File"}}
	}}}
}`

func TestDiscovery(t *testing.T) {
	t.Parallel()
	d, err := vendorapi.ParseDiscovery([]byte(drive))
	if err != nil {
		t.Fatal(err)
	}
	const (
		create = "POST /drive/v1/drives/{drivesId}/files"
		upload = "POST /upload/drive/v1/{+parent}/files"
		path   = "/drive/v1/drives/1/files"
	)
	const all = `{"name":"a","size":"12","created":"2026-11-26T00:00:00Z","parents":["p"],"labels":{"x":{"text":"y"}},"anything":[1,null]}`
	tests := map[string]struct {
		request vendorapi.Request
		want    []vendorapi.Finding
	}{
		"valid":             {google(http.MethodPost, path, "fields=a&fields=b&alt=json", all), nil},
		"valid, a number":   {google(http.MethodPost, path, "", `{"name":"a","size":12}`), nil},
		"required by no":    {google(http.MethodPatch, "/drive/v1/files", "", `{"size":"12"}`), nil},
		"without a body":    {google(http.MethodGet, "/drive/v1/files/1", "alt=media", ""), nil},
		"unknown path":      {google(http.MethodGet, "/drive/v2/files/1", "", ""), found(unknownPath, "GET /drive/v2/files/1", "")},
		"unknown parameter": {google(http.MethodPost, path, "key2=1", all), found(unknownParameter, create, "query key2")},
		"no upload":         {google(http.MethodPost, path, "upload_id=1", all), found(unknownParameter, create, "query upload_id")},
		"not a choice":      {google(http.MethodPost, path, "alt=xml", all), found(invalid, create, "query alt")},
		"deprecated parameter": {
			google(http.MethodPost, path, "convert=true", all),
			found(deprecated, create, "query convert"),
		},
		"other pattern": {
			google(http.MethodPost, "/drive/v1/folders/1/files", "", all),
			found(unknownPath, "POST /drive/v1/folders/1/files", ""),
		},
		"other pattern, upload": {google(http.MethodPost, "/upload/drive/v1/folders/1/files", "", all), found(invalid, upload, "path parent")},
		"missing member":        {google(http.MethodPost, path, "", `{}`), found(missing, create, "body name")},
		"unknown member":        {google(http.MethodPost, path, "", `{"name":"a","title":"b"}`), found(unknownMember, create, "body title")},
		"unknown in a map": {
			google(http.MethodPost, path, "", `{"name":"a","labels":{"x":{"y":1}}}`),
			found(unknownMember, create, "body labels.x.y"),
		},
		"wrong type":        {google(http.MethodPost, path, "", `{"name":1}`), found(invalid, create, "body name")},
		"output only":       {google(http.MethodPost, path, "", `{"name":"a","link":"b"}`), found(invalid, create, "body link")},
		"deprecated member": {google(http.MethodPost, path, "", `{"name":"a","label":{}}`), found(deprecated, create, "body label")},
		"body of a get":     {google(http.MethodGet, "/drive/v1/files/1", "", `{}`), found(invalid, "GET /drive/v1/files/{id}", "body")},
		"session":           {google(http.MethodPost, "/upload"+path, "uploadType=resumable", all), nil},
		"session, unknown": {
			google(http.MethodPost, "/upload"+path, "uploadType=resumable", `{"name":"a","x":1}`),
			found(unknownMember, upload, "body x"),
		},
		"piece":              {file(http.MethodPut, "/upload"+path, "uploadType=resumable&upload_id=1", "text/csv"), nil},
		"two parts":          {related(t, "/upload"+path, all), nil},
		"two parts, unknown": {related(t, "/upload"+path, `{"name":"a","x":1}`), found(unknownMember, upload, "body x")},
		"an upload of a kind": {
			file(http.MethodPost, "/upload"+path, "uploadType=fast", "text/csv"),
			found(invalid, upload, "query uploadType"),
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := d.Check(tt.request)
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(vendorapi.Finding{}, "Detail"), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("findings (-want +got):\n%s\n%v", diff, got)
			}
		})
	}
}

func google(method, path, query, body string) vendorapi.Request {
	values, err := url.ParseQuery(query)
	if err != nil {
		panic(err)
	}
	return vendorapi.Request{
		Method: method, Path: path, Query: values, Body: []byte(body),
		Header: http.Header{"Content-Type": {"application/json; charset=UTF-8"}, "Authorization": {"Bearer t"}},
	}
}

func file(method, path, query, contentType string) vendorapi.Request {
	return with(google(method, path, query, "a,b\n"), func(r *vendorapi.Request) { r.Header.Set("Content-Type", contentType) })
}

func related(t *testing.T, path, metadata string) vendorapi.Request {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range [][2]string{{"application/json", metadata}, {"text/csv", "a,b\n"}} {
		part, err := w.CreatePart(textproto.MIMEHeader{"Content-Type": {p[0]}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(p[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return with(google(http.MethodPost, path, "uploadType=multipart", b.String()), func(r *vendorapi.Request) {
		r.Header.Set("Content-Type", "multipart/related; boundary="+w.Boundary())
	})
}
