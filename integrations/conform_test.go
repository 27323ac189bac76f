package integrations_test

import (
	"testing"
	"testing/synctest"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations"
)

// Every integration keeps what actiontest.Conform lists.
func TestConform(t *testing.T) {
	t.Parallel()
	env := secretSettings()
	var all map[string]request
	synctest.Test(t, func(t *testing.T) { all = requests(t) }) // by the same clock as the deliveries
	for _, e := range integrations.All() {
		if e.Name == "debug" { // for developers: it sends nothing
			continue
		}
		r := all[e.Name]
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			actiontest.Conform(t, e.New, actiontest.Delivery{
				Env: env, Params: r.params, Form: r.form, State: r.params["state_json"],
				MIME: r.data.Mimetype, Extension: r.data.Extension, Data: r.data.Data,
				Secrets: marks.FindAllString(text(r.params)+text(r.form), -1),
				Kinds:   kinds[e.Name], Repeats: repeats[e.Name], OtherProtocol: otherProtocol[e.Name], ReadsFirst: readsFirst[e.Name],
			})
		})
	}
}

// otherProtocol are the integrations that make no HTTP requests.
var otherProtocol = map[string]bool{"email": true, "queue_action": true, "sftp": true}

// readsFirst are the integrations that make no request before they have read all of the data.
var readsFirst = map[string]bool{
	"box":                  true,
	"discord":              true,
	"email":                true,
	"google_chat":          true,
	"microsoft_sharepoint": true,
	"pagerduty":            true,
	"queue_action":         true,
	"sendgrid":             true,
	"slack":                true,
	"slack_app":            true,
	"webhook":              true,
}

// repeats says why integrations may send a request twice.
var repeats = map[string]string{
	"amazon_s3":                   "an object is replaced as a whole",
	"amazon_sagemaker_infer":      "an object is replaced as a whole",
	"aws_ec2_stop_instance":       "an instance that is stopped stays stopped",
	"azure_storage":               "a blob is replaced as a whole",
	"braze":                       "attributes are set",
	"box":                         "a file's checksum shows that it is there",
	"customer_io":                 "attributes are set, and events have IDs by which Customer.io recognizes them",
	"digitalocean_droplet":        "a droplet that is off stays off",
	"digitalocean_object_storage": "an object is replaced as a whole",
	"dropbox":                     "a file with the same content is left as it is",
	"google_ads_customer_match":   "a list has each person once",
	"google_ads_conversions":      "a transaction ID is counted once",
	"google_drive":                "a session without data creates no file",
	"mparticle":                   "batches have IDs by which mParticle recognizes them",
	"pagerduty":                   "events have a deduplication key",
	"slack":                       "an upload is not visible before it is shared",
	"slack_app":                   "an upload is not visible before it is shared",
	"webhook":                     "signed deliveries have an ID by which the receiver recognizes them",
}

// kinds are the statuses that mean something special to a destination.
var kinds = map[string]map[int]action.Kind{
	"aws_ec2_stop_instance": {302: action.Unavailable},
	"azure_storage":         {302: action.Unavailable},
	"firebase":              tokenKinds,
	"google_bigquery":       tokenKinds,
	"google_cloud_storage":  tokenKinds,
	"marketo":               {302: action.Unauthenticated, 400: action.Unauthenticated, 403: action.Unauthenticated},
	"mparticle":             {503: action.RateLimited}, // its other status of rate limits
}

// tokenKinds are the kinds when Google's token service, which comes first, rejects a request.
var tokenKinds = map[int]action.Kind{
	302: action.Unauthenticated, 400: action.Unauthenticated, 403: action.Unauthenticated, 404: action.Unauthenticated, 413: action.Unauthenticated,
}
