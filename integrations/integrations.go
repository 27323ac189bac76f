// Package integrations lists what the hub can deliver to.
package integrations

import (
	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/airtable"
	"integrationhub.dev/integrations/amazons3"
	"integrationhub.dev/integrations/amazonsagemakerinfer"
	"integrationhub.dev/integrations/amazonsagemakertrainlinearlearner"
	"integrationhub.dev/integrations/amazonsagemakertrainxgboost"
	"integrationhub.dev/integrations/auger"
	"integrationhub.dev/integrations/awsec2stopinstance"
	"integrationhub.dev/integrations/azurestorage"
	"integrationhub.dev/integrations/braze"
	"integrationhub.dev/integrations/datarobot"
	"integrationhub.dev/integrations/debug"
	"integrationhub.dev/integrations/digitaloceandroplet"
	"integrationhub.dev/integrations/digitaloceanobjectstorage"
	"integrationhub.dev/integrations/discord"
	"integrationhub.dev/integrations/dropbox"
	"integrationhub.dev/integrations/email"
	"integrationhub.dev/integrations/facebookcustomaudiences"
	"integrationhub.dev/integrations/firebase"
	"integrationhub.dev/integrations/googleadscustomermatch"
	"integrationhub.dev/integrations/googleanalyticsdataimport"
	"integrationhub.dev/integrations/googlechat"
	"integrationhub.dev/integrations/googlecloudstorage"
	"integrationhub.dev/integrations/googledrive"
	"integrationhub.dev/integrations/googlesheets"
	"integrationhub.dev/integrations/hubspotcompanies"
	"integrationhub.dev/integrations/hubspotcontacts"
	"integrationhub.dev/integrations/jiracreateissue"
	"integrationhub.dev/integrations/kloudio"
	"integrationhub.dev/integrations/marketo"
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

// Entry is one integration: its name on the wire and how it is made. The name is repeated
// here so that one that cannot be made, for want of settings, can still be named.
type Entry struct {
	Name string
	New  action.Constructor
}

// All returns the integrations in the order of their names.
func All() []Entry {
	return []Entry{
		{"airtable", airtable.New},
		{"amazon_s3", amazons3.New},
		{"amazon_sagemaker_infer", amazonsagemakerinfer.New},
		{"amazon_sagemaker_train_linearlearner", amazonsagemakertrainlinearlearner.New},
		{"amazon_sagemaker_train_xgboost", amazonsagemakertrainxgboost.New},
		{"auger", auger.New},
		{"aws_ec2_stop_instance", awsec2stopinstance.New},
		{"azure_storage", azurestorage.New},
		{"braze", braze.New},
		{"datarobot", datarobot.New},
		{"debug", debug.New},
		{"digitalocean_droplet", digitaloceandroplet.New},
		{"digitalocean_object_storage", digitaloceanobjectstorage.New},
		{"discord", discord.New},
		{"dropbox", dropbox.New},
		{"email", email.New},
		{"facebook_custom_audiences", facebookcustomaudiences.New},
		{"firebase", firebase.New},
		{"google_ads_customer_match", googleadscustomermatch.New},
		{"google_analytics_data_import", googleanalyticsdataimport.New},
		{"google_chat", googlechat.New},
		{"google_cloud_storage", googlecloudstorage.New},
		{"google_drive", googledrive.New},
		{"google_sheets", googlesheets.New},
		{"hubspot_companies", hubspotcompanies.New},
		{"hubspot_contacts", hubspotcontacts.New},
		{"jira_create_issue", jiracreateissue.New},
		{"kloudio", kloudio.New},
		{"marketo", marketo.New},
		{"mparticle", mparticle.New},
		{"pagerduty", pagerduty.New},
		{"queue_action", queueaction.New},
		{"salesforce_campaigns", salesforcecampaigns.New},
		{"segment_event", segmentevent.New},
		{"segment_group", segmentgroup.New},
		{"segment_track", segmenttrack.New},
		{"sendgrid", sendgrid.New},
		{"sftp", sftp.New},
		{"slack", slack.New},
		{"slack_app", slackapp.New},
		{"teams_incomingwebhook", teamsincomingwebhook.New},
		{"tray", tray.New},
		{"twilio", twilio.New},
		{"twilio_message", twiliomessage.New},
		{"webhook", webhook.New},
		{"zapier", zapier.New},
	}
}
