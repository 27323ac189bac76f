// Package integrations lists what the hub can deliver to.
package integrations

import (
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/airtable"
	"integrationhub.dev/integrations/amazons3"
	"integrationhub.dev/integrations/amazonsagemakerinfer"
	"integrationhub.dev/integrations/amazonsagemakertrainlinearlearner"
	"integrationhub.dev/integrations/amazonsagemakertrainxgboost"
	"integrationhub.dev/integrations/auger"
	"integrationhub.dev/integrations/awsec2stopinstance"
	"integrationhub.dev/integrations/azurestorage"
	"integrationhub.dev/integrations/box"
	"integrationhub.dev/integrations/braze"
	"integrationhub.dev/integrations/customerio"
	"integrationhub.dev/integrations/datarobot"
	"integrationhub.dev/integrations/debug"
	"integrationhub.dev/integrations/digitaloceandroplet"
	"integrationhub.dev/integrations/digitaloceanobjectstorage"
	"integrationhub.dev/integrations/discord"
	"integrationhub.dev/integrations/dropbox"
	"integrationhub.dev/integrations/email"
	"integrationhub.dev/integrations/facebookcustomaudiences"
	"integrationhub.dev/integrations/firebase"
	"integrationhub.dev/integrations/googleadsconversions"
	"integrationhub.dev/integrations/googleadscustomermatch"
	"integrationhub.dev/integrations/googleanalyticsdataimport"
	"integrationhub.dev/integrations/googlebigquery"
	"integrationhub.dev/integrations/googlechat"
	"integrationhub.dev/integrations/googlecloudstorage"
	"integrationhub.dev/integrations/googledrive"
	"integrationhub.dev/integrations/googlesheets"
	"integrationhub.dev/integrations/hubspotcompanies"
	"integrationhub.dev/integrations/hubspotcontacts"
	"integrationhub.dev/integrations/internal/readmes"
	"integrationhub.dev/integrations/jiracreateissue"
	"integrationhub.dev/integrations/kloudio"
	"integrationhub.dev/integrations/marketo"
	"integrationhub.dev/integrations/microsoftsharepoint"
	"integrationhub.dev/integrations/mparticle"
	"integrationhub.dev/integrations/pagerduty"
	"integrationhub.dev/integrations/queueaction"
	"integrationhub.dev/integrations/salesforcecampaigns"
	"integrationhub.dev/integrations/segmentevent"
	"integrationhub.dev/integrations/segmentgroup"
	"integrationhub.dev/integrations/segmenttrack"
	"integrationhub.dev/integrations/sendgrid"
	"integrationhub.dev/integrations/sftp"
	"integrationhub.dev/integrations/slack"
	"integrationhub.dev/integrations/slackapp"
	"integrationhub.dev/integrations/teamsincomingwebhook"
	"integrationhub.dev/integrations/tray"
	"integrationhub.dev/integrations/twilio"
	"integrationhub.dev/integrations/twiliomessage"
	"integrationhub.dev/integrations/webhook"
	"integrationhub.dev/integrations/zapier"
)

// Group is a part of the list of integrations.
type Group struct {
	// Title is its heading in the project's README, and the category of its integrations.
	Title string
	// Integrations are in the order of their names.
	Integrations []action.Registration
}

// Groups returns all integrations. The names in the CRD and the list in the project's README are
// generated from it: see "make generate".
func Groups() []Group {
	return []Group{
		{Title: "Files and object stores", Integrations: []action.Registration{
			{Name: "amazon_s3", New: amazons3.New},
			{Name: "azure_storage", New: azurestorage.New},
			{Name: "box", New: box.New},
			{Name: "digitalocean_object_storage", New: digitaloceanobjectstorage.New},
			{Name: "dropbox", New: dropbox.New},
			{Name: "google_bigquery", New: googlebigquery.New},
			{Name: "google_cloud_storage", New: googlecloudstorage.New},
			{Name: "google_drive", New: googledrive.New},
			{Name: "google_sheets", New: googlesheets.New},
			{Name: "kloudio", New: kloudio.New},
			{Name: "microsoft_sharepoint", New: microsoftsharepoint.New},
			{Name: "sftp", New: sftp.New},
		}},
		{Title: "Messages and tickets", Integrations: []action.Registration{
			{Name: "discord", New: discord.New},
			{Name: "email", New: email.New},
			{Name: "firebase", New: firebase.New},
			{Name: "google_chat", New: googlechat.New},
			{Name: "jira_create_issue", New: jiracreateissue.New},
			{Name: "pagerduty", New: pagerduty.New},
			{Name: "sendgrid", New: sendgrid.New},
			{Name: "slack", New: slack.New},
			{Name: "slack_app", New: slackapp.New},
			{Name: "teams_incomingwebhook", New: teamsincomingwebhook.New},
			{Name: "twilio", New: twilio.New},
			{Name: "twilio_message", New: twiliomessage.New},
		}},
		{Title: "Webhooks", Integrations: []action.Registration{
			{Name: "tray", New: tray.New},
			{Name: "webhook", New: webhook.New},
			{Name: "zapier", New: zapier.New},
		}},
		{Title: "Rows to CRM, marketing and analytics", Integrations: []action.Registration{
			{Name: "airtable", New: airtable.New},
			{Name: "braze", New: braze.New},
			{Name: "customer_io", New: customerio.New},
			{Name: "facebook_custom_audiences", New: facebookcustomaudiences.New},
			{Name: "google_ads_conversions", New: googleadsconversions.New},
			{Name: "google_ads_customer_match", New: googleadscustomermatch.New},
			{Name: "google_analytics_data_import", New: googleanalyticsdataimport.New},
			{Name: "hubspot_companies", New: hubspotcompanies.New},
			{Name: "hubspot_contacts", New: hubspotcontacts.New},
			{Name: "marketo", New: marketo.New},
			{Name: "mparticle", New: mparticle.New},
			{Name: "salesforce_campaigns", New: salesforcecampaigns.New},
			{Name: "segment_event", New: segmentevent.New},
			{Name: "segment_group", New: segmentgroup.New},
			{Name: "segment_track", New: segmenttrack.New},
		}},
		{Title: "Machines and models", Integrations: []action.Registration{
			{Name: "amazon_sagemaker_infer", New: amazonsagemakerinfer.New},
			{Name: "amazon_sagemaker_train_linearlearner", New: amazonsagemakertrainlinearlearner.New},
			{Name: "amazon_sagemaker_train_xgboost", New: amazonsagemakertrainxgboost.New},
			{Name: "auger", New: auger.New},
			{Name: "aws_ec2_stop_instance", New: awsec2stopinstance.New},
			{Name: "datarobot", New: datarobot.New},
			{Name: "digitalocean_droplet", New: digitaloceandroplet.New},
		}},
		{Title: "For trying a hub", Integrations: []action.Registration{
			{Name: "debug", New: debug.New},
			{Name: "queue_action", New: queueaction.New},
		}},
	}
}

// SharedREADME is the documentation of what several integrations have in common, as HTML. Links of the
// integrations' own documentation lead to "./" and an anchor in it.
func SharedREADME() string { return readmes.HTML(readmes.Shared) }

// All returns the integrations in the order of their names.
func All() []action.Registration {
	var all []action.Registration
	for _, group := range Groups() {
		for _, r := range group.Integrations {
			r.APIs, r.Category, r.README = apis[r.Name], group.Title, readmes.HTML(r.Name)
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b action.Registration) int { return strings.Compare(a.Name, b.Name) })
	return all
}
