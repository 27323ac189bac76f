package migrate

// reference is an integration of the reference.
type reference struct {
	name string
	// requires are the variables without which the reference does not offer it.
	requires []string
	// changes are differences that its schedules can notice. More are in its README.
	changes []string
}

// Changes that several integrations have.
const (
	rowsFail   = "A delivery with rows that could not be delivered is reported as failed. The reference reported success."
	invalidID  = "Rows without a valid ID count as failed, so one such row fails the delivery. The reference skipped them."
	pivotError = "Pivoted columns, and two columns for one field, fail the delivery. Remove them from the query."
	httpsOnly  = "Only https:// URLs are accepted. Change schedules with an http:// URL."
	wholeName  = "The URL's host must be one of the vendor's domains as a whole, or a subdomain of it."
	pathUsed   = "The folder in the form's path is used. The reference ignored it, so a schedule that has a path writes to a different folder."
	anonymous  = "Rows with the same email address have the same anonymous ID. In the reference, it was random."
	wholeFile  = "If the download from Looker fails, nothing is written. The reference could deliver an error page or incomplete data."
)

// references are the integrations of the reference, version 1.5.36, in its order.
var references = []reference{
	{"airtable", []string{"AIRTABLE_CLIENT_ID", "AIRTABLE_CLIENT_SECRET"}, []string{
		"Columns with the same label become fields with the full label. Add them to the table. The reference overwrote one with the other.",
		"A pivoted column becomes a field for each pivot value, named with the label and the pivot key. Add these fields to the table.",
		"Values that are not an option of a select field create the option (typecast), also for existing schedules.",
	}},
	{"aws_ec2_stop_instance", nil, []string{
		"If a row has no valid instance ID, no instance is stopped. Filter out such rows in Looker.",
	}},
	{"auger", nil, []string{
		"The project's name must not contain a slash.", "The model receives all columns of the query, not only those of the last row.",
	}},
	{"azure_storage", nil, []string{wholeFile}},
	{"braze", nil, []string{
		rowsFail, "Rows beyond 100,000 count as failed. The reference dropped them silently; the limit is configurable.",
		"The endpoint must be one of Braze's hosts.", "Pivoted attributes fail the delivery. Remove them from the query.",
	}},
	{"digitalocean_droplet", nil, []string{
		"This integration works. The reference cannot load its library.",
		"Droplets are shut down. For the reference's behaviour, select power_off in the form.",
	}},
	{"digitalocean_object_storage", nil, []string{pathUsed, wholeFile}},
	{"dropbox", []string{"DROPBOX_ACTION_APP_KEY", "DROPBOX_ACTION_APP_SECRET"}, []string{
		"Schedules no longer fail four hours after a sign-in.",
	}},
	{"facebook_custom_audiences", []string{"FACEBOOK_CLIENT_ID", "FACEBOOK_CLIENT_SECRET"}, []string{
		rowsFail,
		"External IDs and mobile advertiser IDs are not hashed. Replace existing audiences that use them once.",
	}},
	{"firebase", []string{"FIREBASE_PROJECT_ID", "FIREBASE_CLIENT_EMAIL", "FIREBASE_PRIVATE_KEY", "FIREBASE_DATABASE"}, []string{
		"Without a title, nothing is sent. The reference sent the notifications and reported a failure.",
	}},
	{"google_ads_customer_match", []string{"GOOGLE_ADS_CLIENT_ID", "GOOGLE_ADS_CLIENT_SECRET", "GOOGLE_ADS_DEVELOPER_TOKEN"}, []string{
		"Rows that Google rejects are reported with the reason. The reference did not read the response.",
	}},
	{"google_analytics_data_import", []string{"GOOGLE_ANALYTICS_CLIENT_ID", "GOOGLE_ANALYTICS_CLIENT_SECRET"}, []string{
		"Rows become events of Google Analytics 4. Reconfigure existing schedules: they fail, because Google shut down Universal Analytics.",
	}},
	{"google_drive", []string{"GOOGLE_DRIVE_CLIENT_ID", "GOOGLE_DRIVE_CLIENT_SECRET"}, []string{
		"The folder's URL must be the URL of an existing folder. A schedule with other text fails; the reference wrote to the root of the drive.",
		"The domain allowlist is enforced at delivery. The reference did not enforce it.",
	}},
	{"google_sheets", []string{"GOOGLE_SHEET_CLIENT_ID", "GOOGLE_SHEET_CLIENT_SECRET"}, []string{
		"Only a spreadsheet with exactly the schedule's name is overwritten.",
		"Values never become formulas, and numbers do not depend on the spreadsheet's locale.",
		"The folder's URL must be the URL of an existing folder.",
		"The domain allowlist is enforced at delivery. The reference did not enforce it.",
	}},
	{"google_cloud_storage", nil, []string{wholeFile}},
	{"hubspot_companies", nil, []string{rowsFail, invalidID, pivotError, "A null value clears its property. In the reference, null values were ignored."}},
	{"hubspot_contacts", nil, []string{rowsFail, invalidID, pivotError, "A null value clears its property. In the reference, null values were ignored."}},
	{"jira_create_issue", nil, []string{httpsOnly}},
	{"kloudio", nil, []string{"A failed upload fails the delivery. The reference started the import without data."}},
	{"marketo", nil, []string{
		rowsFail, pivotError, "Rows without a value of the lookup field count as failed, so one such row fails the delivery.",
		"IDs of campaigns and lists must be numeric.",
	}},
	{"mparticle", nil, []string{
		rowsFail, "Rows without any identity count as failed, so one such row fails the delivery.",
		"Identities are named customer_id and other_id_2, as mParticle documents them. The reference sent customerid and other2.",
	}},
	{"amazon_sagemaker_infer", nil, []string{"A row with more or fewer columns than the header is an error."}},
	{"amazon_sagemaker_train_linearlearner", nil, []string{"Rows that the algorithm cannot read are an error before a machine is started."}},
	{"amazon_sagemaker_train_xgboost", nil, []string{
		"The algorithm is XGBoost 1.7 instead of 0.72. Models that the reference trained keep their image.",
		"Rows that the algorithm cannot read are an error before a machine is started.",
	}},
	{"salesforce_campaigns", []string{
		"SALESFORCE_CLIENT_ID", "SALESFORCE_CLIENT_SECRET", "SALESFORCE_MAX_RESULTS", "SALESFORCE_CHUNK_SIZE",
	}, []string{
		rowsFail, invalidID, "A member status that the campaign does not have is an error. In the reference, members got the default status.",
		"The user attribute with the Salesforce domain must name one of Salesforce's hosts.",
	}},
	{"segment_event", nil, []string{rowsFail, anonymous}},
	{"segment_group", nil, []string{rowsFail, "A query without users or without groups is an error."}},
	{"segment_track", nil, []string{rowsFail, anonymous, "A query with only a group ID is an error."}},
	{"sendgrid", nil, []string{"An invalid email address is an error before SendGrid is called."}},
	{"slack", nil, []string{"The file and the comment are one message. A comment that Slack would truncate is an error."}},
	{"slack_app", nil, []string{"The file and the comment are one message. A comment that Slack would truncate is an error."}},
	{"teams_incomingwebhook", nil, []string{
		httpsOnly, "A delivery without a link to Looker is an error.",
		"Microsoft may have retired the URLs of Office 365 connectors; the form shows which ones. Use the webhook of a workflow.",
	}},
	{"tray", nil, []string{httpsOnly, wholeName, "An empty result by download is an error."}},
	{"twilio", nil, []string{"A first line that is too long is truncated. In that case, the reference sent no data."}},
	{"twilio_message", nil, []string{
		rowsFail, "A phone number that occurs several times gets one message.", "Rows without a number count as failed.",
	}},
	{"zapier", nil, []string{httpsOnly, wholeName, "An empty result by download is an error."}},
	{"debug", []string{"ACTION_HUB_DEBUG_ENDPOINT"}, nil},
	{"queue_action", []string{"CHILD_TEST"}, nil},
}

// References returns the names of the reference's integrations.
func References() []string {
	var names []string
	for _, r := range references {
		names = append(names, r.name)
	}
	return names
}
