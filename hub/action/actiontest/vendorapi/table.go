package vendorapi

import "sync"

// api is a description, and the hosts whose requests it describes.
type api struct {
	name string
	// hosts are host names, or *.example.com for those below a domain.
	hosts []string
	load  func() (*Description, error)
	// accepted are findings that are right nevertheless, as [Finding.key] has them, with the reason.
	// They are listed in the test's log.
	accepted map[string]string
}

// openAPI is a description in the folder of descriptions.
func openAPI(name string) func() (*Description, error) {
	return sync.OnceValues(func() (*Description, error) {
		text, err := shared(name)
		if err != nil {
			return nil, err
		}
		return ParseOpenAPI(text)
	})
}

// jsonSchema is a JSON Schema in the folder of descriptions, for the body of an operation.
func jsonSchema(operation string, names ...string) func() (*Description, error) {
	return sync.OnceValues(func() (*Description, error) {
		texts := make([][]byte, len(names))
		for i, name := range names {
			var err error
			if texts[i], err = shared(name); err != nil {
				return nil, err
			}
		}
		return ParseJSONSchema(operation, texts[0], texts[1:]...)
	})
}

// dropbox is the part of Dropbox's API that one of its hosts serves.
func dropbox(host string) func() (*Description, error) {
	return sync.OnceValues(func() (*Description, error) {
		files, err := shared("dropbox-files.stone")
		if err != nil {
			return nil, err
		}
		common, err := shared("dropbox-common.stone")
		if err != nil {
			return nil, err
		}
		return ParseStone(host, files, common)
	})
}

// protos are all protocol buffers of a subfolder of the folder of descriptions.
func protos(folder string) func() (*Description, error) {
	return sync.OnceValues(func() (*Description, error) {
		files, err := sharedFiles(folder, ".proto")
		if err != nil {
			return nil, err
		}
		return ParseProto(files)
	})
}

// googleAPI is a discovery document, by its path in the module google.golang.org/api.
func googleAPI(name string) func() (*Description, error) {
	return sync.OnceValues(func() (*Description, error) {
		text, err := discovery(name)
		if err != nil {
			return nil, err
		}
		return ParseDiscovery(text)
	})
}

// apis are the known descriptions. An integration needs no line in its own tests: every request to
// one of these hosts is checked.
var apis = []api{
	{
		name: "PagerDuty Events v2", hosts: []string{"events.pagerduty.com", "events.eu.pagerduty.com"},
		load: openAPI("pagerduty-events-v2.json"),
	},
	{name: "SendGrid Mail Send v3", hosts: []string{"api.sendgrid.com", "api.eu.sendgrid.com"}, load: openAPI("sendgrid-mail-v3.json")},
	{
		name: "Twilio Messages", hosts: []string{"api.twilio.com", "*.twilio.com"}, load: openAPI("twilio-messages.json"),
		accepted: map[string]string{
			"POST /2010-04-01/Accounts/{AccountSid}/Messages.json: invalid path AccountSid": "the administrator's, and short in tests",
		},
	},
	{name: "HubSpot contacts v3", hosts: []string{"api.hubapi.com"}, load: openAPI("hubspot-contacts-v3.json")},
	{name: "HubSpot companies v3", hosts: []string{"api.hubapi.com"}, load: openAPI("hubspot-companies-v3.json")},
	{name: "HubSpot contacts 2026-09", hosts: []string{"api.hubapi.com"}, load: openAPI("hubspot-contacts-2026-09.json")},
	{name: "HubSpot companies 2026-09", hosts: []string{"api.hubapi.com"}, load: openAPI("hubspot-companies-2026-09.json")},
	{
		name: "mParticle Events", hosts: []string{"*.mparticle.com"},
		load: jsonSchema("POST /v2/bulkevents", "mparticle-inbound-events-bulk.schema.json", "mparticle-inbound-events.schema.json"),
	},
	{
		name: "mParticle Events, US1", hosts: []string{"inbound.mparticle.com"},
		load: jsonSchema("POST /s2s/v2/bulkevents", "mparticle-inbound-events-bulk.schema.json", "mparticle-inbound-events.schema.json"),
	},
	{name: "Dropbox", hosts: []string{"api.dropboxapi.com"}, load: dropbox("api")},
	{name: "Dropbox content", hosts: []string{"content.dropboxapi.com"}, load: dropbox("content")},
	{
		name: "Discord webhooks", hosts: []string{"discord.com", "discordapp.com", "canary.discord.com", "ptb.discord.com"},
		load: openAPI("discord-webhooks.json"),
	},
	{name: "Jira Cloud v3", hosts: []string{"*.atlassian.net"}, load: openAPI("jira-v3.json")},
	{
		name: "Google Chat", hosts: []string{"chat.googleapis.com"}, load: googleAPI("chat/v1/chat-api.json"),
		accepted: map[string]string{
			"POST /v1/spaces/{spacesId}/messages: missing credentials": "webhooks have a key and a token: " +
				"https://developers.google.com/workspace/chat/quickstart/webhooks",
			"POST /v1/spaces/{spacesId}/messages: unknown parameter query token": "webhooks have a key and a token: " +
				"https://developers.google.com/workspace/chat/quickstart/webhooks",
		},
	},
	{
		name: "Firebase Cloud Messaging", hosts: []string{"fcm.googleapis.com"}, load: googleAPI("fcm/v1/fcm-api.json"),
		accepted: map[string]string{
			"POST /v1/projects/{projectsId}/messages:send: deprecated body message.token": "registration tokens of apps that have no " +
				"installation ID yet: https://firebase.google.com/docs/cloud-messaging/send/v1-api",
		},
	},
	{name: "Google Drive v3", hosts: []string{"www.googleapis.com"}, load: googleAPI("drive/v3/drive-api.json")},
	{name: "Google OAuth v2", hosts: []string{"www.googleapis.com"}, load: googleAPI("oauth2/v2/oauth2-api.json")},
	{name: "Google Ads v25", hosts: []string{"googleads.googleapis.com"}, load: protos("google-ads-v25")},
	{name: "Google Sheets v4", hosts: []string{"sheets.googleapis.com"}, load: googleAPI("sheets/v4/sheets-api.json")},
	{name: "Google Cloud Storage", hosts: []string{"storage.googleapis.com"}, load: googleAPI("storage/v1/storage-api.json")},
	{name: "BigQuery v2", hosts: []string{"bigquery.googleapis.com"}, load: googleAPI("bigquery/v2/bigquery-api.json")},
	{
		name: "Google Analytics Admin v1beta", hosts: []string{"analyticsadmin.googleapis.com"},
		load: googleAPI("analyticsadmin/v1beta/analyticsadmin-api.json"),
	},
	{
		name: "Google STS v1", hosts: []string{"sts.googleapis.com"}, load: googleAPI("sts/v1/sts-api.json"),
		accepted: map[string]string{
			"POST /v1/token: invalid header Content-Type": "RFC 8693, 2.1 has a form, which Google's own libraries send: " +
				"https://pkg.go.dev/golang.org/x/oauth2/google/externalaccount",
		},
	},
	{
		name: "Google IAM Credentials v1", hosts: []string{"iamcredentials.googleapis.com"},
		load: googleAPI("iamcredentials/v1/iamcredentials-api.json"),
	},
	{name: "Google Data Manager", hosts: []string{"datamanager.googleapis.com"}, load: protos("google-datamanager-v1")},
}

// undescribed are templates of paths of described hosts that are in no description, with the reason or
// the vendor's other documentation.
var undescribed = []struct{ host, path, reason string }{
	{"googleads.googleapis.com", "/v25/customers/{customer}/googleAds:searchStream", "GoogleAdsService is not among the files"},
	{"googleads.googleapis.com", "/v25/customers:listAccessibleCustomers", "CustomerService is not among the files"},
	{
		"*.atlassian.net", "/rest/api/3/attachment/meta",
		"https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-attachments/",
	},
	{
		"*.atlassian.net", "/rest/api/3/issue/createmeta/{+project}",
		"https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/",
	},
	{"*.atlassian.net", "/rest/api/3/project/{id}", "https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-projects/"},
	{
		"*.atlassian.net", "/rest/api/3/user/search",
		"https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-user-search/#api-rest-api-3-user-search-get",
	},
	{"api.dropboxapi.com", "/oauth2/token", "OAuth is not in Stone"},
	{
		"api.hubapi.com", "/crm/properties/{version}/{objectType}",
		"https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide",
	},
	{"api.hubapi.com", "/crm/v3/properties/{objectType}", "https://developers.hubspot.com/docs/api-reference/legacy/crm/properties/guide"},
	{"api.hubapi.com", "/crm/lists/{version}/{+segment}", "https://developers.hubspot.com/docs/api-reference/latest/crm/lists/guide"},
	{"api.hubapi.com", "/crm/v3/lists/{+segment}", "https://developers.hubspot.com/docs/api-reference/legacy/crm/lists/guide"},
	{"api.dropboxapi.com", "/2/users/{+call}", "https://www.dropbox.com/developers/documentation/http/documentation#users"},
}
