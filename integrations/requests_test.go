package integrations_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"integrationhub.dev/integrations"
)

// mark makes a secret that is found wherever it turns up.
func mark(what string) string { return "SEKRET" + what + "x7Q9" }

// secretSettings are the hub's own, with marks for secrets.
func secretSettings() map[string]string {
	all := maps.Clone(settings)
	for name := range all {
		if strings.HasSuffix(name, "_SECRET") || strings.HasSuffix(name, "_TOKEN") {
			all[name] = mark(strings.ReplaceAll(name, "_", ""))
		}
	}
	all["EMAIL_SMTP_USERNAME"], all["EMAIL_SMTP_PASSWORD"] = "hub", mark("smtp")
	return all
}

// request is one that gets as far as an integration's first call.
type request struct {
	params, form map[string]string
	data         attachment
}

type attachment struct {
	Mimetype  string `json:"mimetype"`
	Extension string `json:"extension"`
	Data      string `json:"data"`
}

// body is the request as Looker sends it.
func (r request) body() map[string]any {
	return map[string]any{"type": "query", "data": r.params, "form_params": r.form, "attachment": r.data, "scheduled_plan": map[string]string{
		"title": "Orders by day", "url": "https://looker.example.com/looks/1",
	}}
}

// detail is a json_detail result whose columns have every tag that several integrations ask for, and
// further ones.
func detail(tags ...string) attachment { //nolint:unparam // make new-integration KIND=rows passes a tag
	columns := map[string]string{
		"email": "ann%d@example.com", "user_id": "user-%d", "segment_anonymous_id": "anonymous-%d", "segment_group_id": "group-%d",
		"phone": "+1415555267%d", "braze_id": "braze-%d", "hubspot_company_id": "12%d", "hubspot_contact_id": "12%d",
		"marketo:email": "ann%d@example.com", "aws_resource_id": "i-0123456789abcdef%d", "digitalocean_droplet_id": "31644%d",
		"sfdc_contact_id": "00300000000000%d", "mp_email": "ann%d@example.com", "mp_customer_id": "customer-%d",
	}
	for _, tag := range tags {
		columns[tag] = tag + "-%d"
	}
	var fields []map[string]any
	rows := make([]map[string]any, 3)
	for tag, value := range columns {
		name := "t." + strings.ReplaceAll(tag, ":", "_")
		fields = append(fields, map[string]any{"name": name, "label": tag, "label_short": tag, "tags": []string{tag}})
		for n := range rows {
			if rows[n] == nil {
				rows[n] = map[string]any{}
			}
			rows[n][name] = map[string]string{"value": fmt.Sprintf(value, n)}
		}
	}
	return attachment{"application/json", "json", text(map[string]any{"fields": map[string]any{"dimensions": fields}, "data": rows})}
}

// conversions is a json_detail result with a time a minute ago.
func conversions() attachment {
	field := func(tag string) map[string]any { return map[string]any{"name": "t." + tag, "tags": []string{tag}} }
	return attachment{"application/json", "json", text(map[string]any{
		"fields": map[string]any{"dimensions": []map[string]any{field("google_ads_conversion_time"), field("email")}},
		"data": []map[string]any{{
			"t.google_ads_conversion_time": map[string]string{"value": time.Now().Add(-time.Minute).UTC().Format(time.DateTime)},
			"t.email":                      map[string]string{"value": "ann@example.com"},
		}},
	})}
}

func text(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// requests has one for every integration.
func requests(t *testing.T) map[string]request {
	t.Helper()
	type values = map[string]string
	csv := attachment{"text/csv", "csv", "Email,Phone,N\nann@example.com,+14155552671,1\nbo@example.com,+14155552672,2\n"}
	labels := attachment{"application/json", "json", `[{"Email":"ann@example.com","Phone":"+14155552671","First":"Ann"}]`}
	grant := text(map[string]any{
		"access_token": mark("access"), "refresh_token": mark("refresh"), "redirect": "https://hub.example.com/x",
		"tokens": values{"access_token": mark("access"), "refresh_token": mark("refresh")},
	})
	aws := func(region string) values {
		return values{"access_key_id": "AKIAEXAMPLE", "secret_access_key": mark("aws"), "region": region}
	}
	sagemaker := values{
		"accessKeyId": "AKIAEXAMPLE", "secretAccessKey": mark("aws"), "roleArn": "arn:aws:iam::123456789012:role/x", "region": "us-east-1",
		"user_email": "u@example.com", "smtpHost": "mail.example.com", "smtpPort": "587", "smtpFrom": "f@example.com", "smtpUser": "u", "smtpPass": mark("smtp"),
	}
	job := func(more values) values {
		all := values{"modelName": "m", "bucket": "bucket1", "awsInstanceType": "ml.m4.xlarge", "numInstances": "1", "maxRuntimeInHours": "1"}
		maps.Copy(all, more)
		return all
	}
	account := "AC" + strings.Repeat("a", 32)
	hook := func(what string) values { return values{"url": "https://" + what} }
	byName := map[string]request{
		"airtable":                             {values{"state_json": grant}, values{"base": "app12345678901234", "table": "T"}, detail()},
		"amazon_s3":                            {aws("us-east-1"), values{"bucket": "bucket1", "filename": "f.csv"}, csv},
		"amazon_sagemaker_infer":               {sagemaker, job(nil), csv},
		"amazon_sagemaker_train_linearlearner": {sagemaker, job(values{"predictorType": "regressor"}), csv},
		"amazon_sagemaker_train_xgboost":       {sagemaker, job(values{"objective": "reg:linear", "numRounds": "100"}), csv},
		"auger":                                {values{"api_token": mark("auger")}, values{"project_name": "p", "model_type": "classification"}, detail()},
		"aws_ec2_stop_instance":                {aws("us-east-1"), values{}, detail()},
		"azure_storage": {
			values{"account": "acct1", "accessKey": base64.StdEncoding.EncodeToString([]byte(mark("azure")))},
			values{"container": "c11", "filename": "f"},
			csv,
		},
		"box": {values{"state_json": grant}, values{"folder": "0", "filename": "f"}, csv},
		"braze": {
			values{"braze_api_key": mark("braze"), "braze_api_endpoint": "https://rest.iad-01.braze.com"},
			values{"braze_key": "braze_id", "braze_segment": "x"},
			detail(),
		},
		"customer_io":                 {values{"site_id": "s", "api_key": mark("customerio")}, values{"action": "identify"}, detail()},
		"datarobot":                   {values{"datarobot_api_token": mark("datarobot")}, values{"projectName": "p"}, csv},
		"debug":                       {values{}, values{"sleep": "1"}, csv},
		"digitalocean_droplet":        {values{"digitalocean_api_key": mark("droplet")}, values{}, detail()},
		"digitalocean_object_storage": {aws("nyc3"), values{"bucket": "bucket1", "filename": "f.csv"}, csv},
		"discord":                     {values{}, values{"url": "https://discord.com/api/webhooks/1/" + mark("discord"), "text": "hi"}, csv},
		"dropbox":                     {values{"state_json": grant}, values{"directory": "/d", "filename": "f"}, csv},
		"email":                       {values{}, values{"to": "b@example.com", "subject": "s"}, csv},
		"facebook_custom_audiences": {
			values{"state_json": text(map[string]any{"tokens": values{"longLivedToken": mark("facebook")}, "redirect": "x"})},
			values{
				"choose_business": "1", "choose_ad_account": "1", "choose_create_update_replace": "create_audience",
				"create_audience_name": "n", "create_audience_description": "d", "should_hash": "do_hashing",
			},
			detail(),
		},
		"firebase": {
			values{},
			values{"title": "t", "data": `{"alert_id":"7"}`, "deviceIds": text([]any{[]values{{"device_id": mark("device"), "user_id": "2"}}})},
			detail(),
		},
		"google_ads_conversions": {
			values{"state_json": grant},
			values{"customer_id": "1234567890", "conversion_action_id": "777"},
			conversions(),
		},
		"google_ads_customer_match": {
			values{"state_json": grant},
			values{
				"google_api": "data_manager", "customer_match_terms": "accepted", "loginCid": "1234567890", "targetCid": "1234567890",
				"createOrAppend": "append", "targetUserListRN": "customers/1234567890/userLists/5", "mobileDevice": "no",
				"doHashing": "yes", "consentAdUserData": "GRANTED", "consentAdPersonalization": "GRANTED",
			},
			labels,
		},
		"google_analytics_data_import": {
			values{"state_json": grant}, values{"dataSourceCompositeId": "1::2::3", "dataSourceSchema": "client_id,event_name,n", "eventName": "e"}, csv,
		},
		"google_bigquery": {
			values{"client_email": "x@project.iam.gserviceaccount.com", "private_key": somePrivateKey(), "project_id": "project"},
			values{"dataset": "dataset1", "new_table": "t"},
			detail(),
		},
		"google_chat": {
			values{}, hook("chat.googleapis.com/v1/spaces/AAA/messages?key=" + mark("chatkey") + "&token=" + mark("chattoken")), detail(),
		},
		"google_cloud_storage": {
			values{"client_email": "x@p.iam.gserviceaccount.com", "private_key": somePrivateKey(), "project_id": "p"},
			values{"bucket": "bucket1", "filename": "f"},
			csv,
		},
		"google_drive":      {values{"state_json": grant}, values{"drive": "mydrive", "folder": "root", "filename": "f"}, csv},
		"google_sheets":     {values{"state_json": grant}, values{"drive": "mydrive", "folder": "root", "filename": "f", "overwrite": "yes"}, csv},
		"hubspot_companies": {values{"hubspot_access_token": mark("hubspot")}, values{}, detail()},
		"hubspot_contacts":  {values{"hubspot_access_token": mark("hubspot")}, values{}, detail()},
		"jira_create_issue": {
			values{"address": "https://x.atlassian.net", "username": "u@example.com", "password": mark("jira")},
			values{"project": "1", "summary": "s", "issueType": "1", "description": "d", "attachData": "yes"},
			csv,
		},
		"kloudio": {values{}, values{"apiKey": mark("kloudio"), "url": "https://docs.google.com/spreadsheets/d/abc/edit#gid=0"}, detail()},
		"marketo": {
			values{"url": "https://123-abc-456.mktorest.com", "clientID": "ci", "clientSecret": mark("marketo")},
			values{"lookupField": "email", "subaction": "addList", "campaignId": "1"},
			detail(),
		},
		"microsoft_sharepoint": {values{"state_json": grant}, values{"site": "onedrive", "folder": "/", "filename": "f"}, csv},
		"mparticle": {
			values{"apiKey": mark("mpkey"), "apiSecret": mark("mpsecret")}, values{"data_type": "user_data", "environment": "development"}, detail(),
		},
		"pagerduty":    {values{"routing_key": strings.Repeat("a7", 16)}, values{"summary": "x", "severity": "info", "event": "trigger"}, detail()},
		"queue_action": {values{}, values{}, csv},
		"salesforce_campaigns": {
			values{"salesforce_domain": "https://x.my.salesforce.com", "state_json": text(values{"access_token": mark("access"), "refresh_token": mark("refresh")})},
			values{"create_or_append": "create", "campaign_name": "n"},
			detail(),
		},
		"segment_event": {values{"segment_write_key": mark("segment")}, values{}, detail()},
		"segment_group": {values{"segment_write_key": mark("segment")}, values{}, detail()},
		"segment_track": {values{"segment_write_key": mark("segment")}, values{"event": "e"}, detail()},
		"sendgrid":      {values{"sendgrid_api_key": mark("sendgrid")}, values{"to": "a@example.com", "from": "b@example.com", "filename": "f"}, csv},
		"sftp":          {values{"address": "sftp://files.example.com/x/", "username": "u", "password": mark("sftp")}, values{"filename": "f"}, csv},
		"slack":         {values{"slack_api_token": mark("slack")}, values{"channel": "C1", "filename": "f", "initial_comment": "x"}, csv},
		"slack_app":     {values{"state_json": mark("slackapp")}, values{"channel": "C1", "filename": "f"}, csv},
		"teams_incomingwebhook": {
			values{}, values{"webhookUrl": "https://x.webhook.office.com/webhookb2/" + mark("teams") + "/IncomingWebhook/a/b", "title": "t", "text": "x"}, csv,
		},
		"tray":           {values{}, hook("x.trayapp.io/" + mark("tray")), detail()},
		"twilio":         {values{"accountSid": account, "authToken": mark("twilio"), "from": "+14155552671"}, values{"message": "m", "to": "+14155552671"}, csv},
		"twilio_message": {values{"accountSid": account, "authToken": mark("twilio"), "from": "+14155552671"}, values{"message": "m"}, detail()},
		"webhook": {
			values{
				"webhook_url": "https://hook.example.com/" + mark("path") + "?k=" + mark("query"), "headers": text(values{"X-Custom": mark("header")}),
				"bearer_token": mark("bearer"), "signing_secret": "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(mark("sign"), 2)[:24])),
			}, values{"method": "POST"}, csv,
		},
		"zapier": {values{}, hook("hooks.zapier.com/" + mark("zapier")), detail()},
	}
	for _, e := range integrations.All() {
		if _, ok := byName[e.Name]; !ok {
			t.Errorf("there is no request for %s", e.Name)
		}
	}
	return byName
}
