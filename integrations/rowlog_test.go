package integrations_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/rowbucket/rowbuckettest"
)

// besideBucket is a vendor that answers every request in one way, and the administrator's bucket.
type besideBucket struct {
	bucket *rowbuckettest.S3
	status int
	body   string
	calls  int
}

func (b *besideBucket) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		_ = req.Body.Close()
	}
	reply := b.bucket.Beside(func(actiontest.Recorded) actiontest.Reply {
		b.calls++
		return actiontest.Reply{Status: b.status, Body: b.body}
	})(actiontest.Recorded{
		Method: req.Method, Host: req.URL.Host, Path: req.URL.Path, Query: req.URL.Query(), Header: req.Header, Body: body,
	})
	w := httptest.NewRecorder()
	for name, value := range reply.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(max(reply.Status, http.StatusOK))
	_, _ = io.WriteString(w, reply.Body)
	res := w.Result()
	res.Request = req
	return res, nil
}

// withBucket is a hub with a bucket for rows.
func withBucket(t *testing.T, vendor *besideBucket) http.Handler {
	t.Helper()
	env := maps.Clone(settings)
	maps.Copy(env, rowbuckettest.Env())
	return newHubWith(t, slog.New(slog.DiscardHandler), env, outbound.NewTransport(vendor, nil))
}

// onlyChanges is the request of a schedule that sends only changes.
func (r request) onlyChanges() map[string]any {
	body := r.body()
	form := maps.Clone(r.form)
	form["only_changes"] = "yes"
	body["form_params"] = form
	body["scheduled_plan"] = map[string]any{"scheduled_plan_id": 17, "title": "Orders by day"}
	return body
}

func (b *besideBucket) objects(prefix string) []string {
	var names []string
	for _, name := range b.bucket.Objects() {
		if _, after, ok := strings.Cut(name, "/hub/"); ok && strings.HasPrefix(after, prefix) {
			names = append(names, name)
		}
	}
	return names
}

// keepsRows are the integrations that send records or events, and the response with which each accepts all rows.
var keepsRows = map[string]besideBucket{
	"airtable":      {status: http.StatusOK, body: `{"records":[{"id":"1"},{"id":"2"},{"id":"3"}]}`},
	"customer_io":   {status: http.StatusOK, body: `{}`},
	"mparticle":     {status: http.StatusAccepted},
	"braze":         {status: http.StatusCreated, body: `{"message":"success"}`},
	"segment_track": {status: http.StatusOK, body: `{"success":true}`},
}

// A row is known by the destination's answer, for each integration whose form has the field: what failed is
// stored with its reason, and what was delivered is not sent again.
func TestOnlyChangesEverywhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, r := range requests(t) {
			silent := withBucket(t, &besideBucket{bucket: new(rowbuckettest.S3), status: http.StatusForbidden, body: `{}`})
			_, form := ask(t, silent, "24.20.41", "/actions/"+name+"/form", r.body())
			vendor := &besideBucket{bucket: new(rowbuckettest.S3), status: http.StatusBadRequest, body: `{}`}
			h := withBucket(t, vendor)
			accepts, known := keepsRows[name]
			if !strings.Contains(string(form), `"only_changes"`) {
				if known {
					t.Errorf("%s: the form has no field: %s", name, form)
				}
				continue
			}
			_, answer := ask(t, h, "24.20.41", "/actions/"+name+"/execute", r.onlyChanges())
			if rejected := vendor.objects("rejected/" + name + "/"); len(rejected) > 0 {
				checkRejected(t, name, vendor.bucket.Body(rejected[0]))
			} else if known {
				t.Errorf("%s stored no rejected rows: %s", name, answer)
			}
			if !known {
				continue
			}
			vendor = &besideBucket{bucket: vendor.bucket, status: accepts.status, body: accepts.body}
			h = withBucket(t, vendor)
			for n, want := range []string{"", "3 unchanged r"} {
				vendor.calls = 0
				_, answer := ask(t, h, "24.20.41", "/actions/"+name+"/execute", r.onlyChanges())
				if !strings.Contains(string(answer), want) || strings.Contains(string(answer), `"success":false`) {
					t.Errorf("%s, delivery %d: %s", name, n+1, answer)
				}
				if sent := vendor.calls > 0; sent != (n == 0) {
					t.Errorf("%s, delivery %d: %d calls", name, n+1, vendor.calls)
				}
			}
			if snapshots := vendor.objects("sent/" + name + "/"); len(snapshots) != 1 {
				t.Errorf("%s: objects %v", name, vendor.bucket.Objects())
			}
		}
	})
}

// checkRejected checks that the file has the rows of the request: those of [detail], or one of somebody else.
func checkRejected(t *testing.T, name string, file []byte) {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	people := []string{"ann0@example.com", "ann1@example.com", "ann2@example.com"}
	if name == "google_ads_conversions" || name == "google_ads_customer_match" {
		people = []string{"ann@example.com"}
	}
	for _, want := range append(people, "Reason") {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s: the rejected rows lack %s:\n%s", name, want, text)
		}
	}
	if strings.Contains(string(text), "SEKRET") {
		t.Errorf("%s: the rejected rows contain a secret", name)
	}
}

// Destinations that get all rows each time keep what was not delivered, too.
func TestRejectedRowsEverywhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := requests(t)
		for _, name := range []string{
			"facebook_custom_audiences", "google_ads_conversions", "google_ads_customer_match", "marketo", "salesforce_campaigns",
			"segment_event", "segment_group",
		} {
			vendor := &besideBucket{bucket: new(rowbuckettest.S3), status: http.StatusBadRequest, body: `{}`}
			_, answer := ask(t, withBucket(t, vendor), "24.20.41", "/actions/"+name+"/execute", all[name].body())
			if rejected := vendor.objects("rejected/" + name + "/"); len(rejected) == 1 {
				checkRejected(t, name, vendor.bucket.Body(rejected[0]))
			} else {
				t.Errorf("%s stored no rejected rows: %s", name, answer)
			}
		}
	})
}
