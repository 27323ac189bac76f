package integrations

import "integrationhub.dev/hub/action"

// apis are the versions of vendors' APIs in use, and when they end, by the names of integrations. The
// list in README.md is generated from it: see "make generate". An API without versions has no entry.
// TestAPIVersions compares it with the requests of the integrations.
var apis = map[string][]action.API{
	"airtable": {{Name: "Airtable Web API", Version: "v0", Source: "https://airtable.com/developers/web/api/changelog"}},
	"auger":    {{Name: "Auger API", Version: "v1", Source: "https://docs.auger.ai"}},
	"aws_ec2_stop_instance": {{
		Name: "Amazon EC2 API", Version: "2016-11-15", Source: "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Welcome.html",
	}},
	"azure_storage": {{
		Name: "Azure Blob Storage API", Version: "2026-12-06",
		Source: "https://learn.microsoft.com/en-us/rest/api/storageservices/versioning-for-the-azure-storage-services",
	}},
	"datarobot": {{Name: "DataRobot API", Version: "v2", Source: "https://docs.datarobot.com/en/docs/api/reference/changelogs/index.html"}},
	"digitalocean_droplet": {{
		Name: "DigitalOcean API", Version: "v2", Source: "https://docs.digitalocean.com/reference/api/",
	}},
	"discord": {{Name: "Discord API", Version: "v10", Source: "https://docs.discord.com/developers/reference#api-versioning"}},
	"dropbox": {{
		Name: "Dropbox API", Version: "2", Source: "https://www.dropbox.com/developers/reference/versioning",
	}},
	"facebook_custom_audiences": {{
		Name: "Meta Marketing API", Version: "v27.0", Setting: "FACEBOOK_API_VERSION",
		Source: "https://developers.facebook.com/documentation/ads-commerce/marketing-api/marketing-api-changelog/versions",
	}},
	"firebase": {{
		Name: "Firebase Cloud Messaging API", Version: "v1", Source: "https://firebase.google.com/docs/cloud-messaging/migrate-v1",
	}},
	"google_ads_conversions": {{
		Name: "Google Data Manager API", Version: "v1", Source: "https://developers.google.com/data-manager/api/reference",
	}},
	"google_ads_customer_match": {
		{
			Name: "Google Ads API", Version: "v25", EndOfLife: "2027-08-01", Setting: "GOOGLE_ADS_API_VERSION",
			Source: "https://developers.google.com/google-ads/api/docs/sunset-dates",
		},
		{
			Name: "Google Data Manager API", Version: "v1",
			Source: "https://developers.google.com/data-manager/api/reference",
		},
	},
	"google_analytics_data_import": {
		{
			Name: "Google Analytics Admin API", Version: "v1beta",
			Source: "https://developers.google.com/analytics/devguides/config/admin/v1/changelog",
		},
		{
			Name: "Google Data Manager API", Version: "v1", Source: "https://developers.google.com/data-manager/api/reference",
		},
	},
	"google_chat": {{Name: "Google Chat API", Version: "v1", Source: "https://developers.google.com/workspace/chat/release-notes"}},
	"google_cloud_storage": {{
		Name: "Cloud Storage JSON API", Version: "v1", Source: "https://docs.cloud.google.com/storage/docs/release-notes",
	}},
	"google_drive": {{
		Name: "Google Drive API", Version: "v3", Source: "https://developers.google.com/workspace/drive/release-notes",
	}},
	"google_sheets": {
		{Name: "Google Drive API", Version: "v3", Source: "https://developers.google.com/workspace/drive/release-notes"},
		{Name: "Google Sheets API", Version: "v4", Source: "https://developers.google.com/workspace/sheets/release-notes"},
	},
	"hubspot_companies": {{
		Name: "HubSpot CRM API", Version: "2026-09", EndOfLife: "2028-03-01", Setting: "HUBSPOT_API_VERSION",
		Source: "https://developers.hubspot.com/docs/developer-tooling/platform/versioning",
	}},
	"hubspot_contacts": {{
		Name: "HubSpot CRM API", Version: "2026-09", EndOfLife: "2028-03-01", Setting: "HUBSPOT_API_VERSION",
		Source: "https://developers.hubspot.com/docs/developer-tooling/platform/versioning",
	}},
	"jira_create_issue": {{
		Name: "Jira Cloud REST API", Version: "3", Source: "https://developer.atlassian.com/cloud/jira/platform/changelog/",
	}},
	"marketo": {{
		Name: "Marketo REST API", Version: "v1", Source: "https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/rest-api",
	}},
	"mparticle": {{
		Name: "mParticle Events API", Version: "v2", Source: "https://docs.mparticle.com/developers/apis/http/",
	}},
	"pagerduty": {{
		Name: "PagerDuty Events API", Version: "v2", Source: "https://developer.pagerduty.com/docs/events-api-v2-overview",
	}},
	"salesforce_campaigns": {{
		Name: "Salesforce REST API", Version: "66.0", Setting: "SALESFORCE_API_VERSION",
		Source: "https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/api_rest_eol.htm",
	}},
	"segment_event": {{
		Name: "Segment HTTP API", Version: "v1", Source: "https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/",
	}},
	"segment_group": {{
		Name: "Segment HTTP API", Version: "v1", Source: "https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/",
	}},
	"segment_track": {{
		Name: "Segment HTTP API", Version: "v1", Source: "https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/",
	}},
	"sendgrid": {{
		Name: "SendGrid Web API", Version: "v3", Source: "https://www.twilio.com/docs/sendgrid/api-reference",
	}},
	"twilio": {{
		Name: "Twilio API", Version: "2010-04-01", Source: "https://www.twilio.com/docs/usage/api",
	}},
	"twilio_message": {{
		Name: "Twilio API", Version: "2010-04-01", Source: "https://www.twilio.com/docs/usage/api",
	}},
}
