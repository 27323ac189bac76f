package v1alpha1

// IntegrationName is the name of an integration in Looker's API.
// Only integrations of this version of the hub are accepted.
//
// +kubebuilder:validation:Enum=airtable;amazon_s3;amazon_sagemaker_infer;amazon_sagemaker_train_linearlearner;amazon_sagemaker_train_xgboost;auger;aws_ec2_stop_instance;azure_storage;braze;datarobot;debug;digitalocean_droplet;digitalocean_object_storage;discord;dropbox;email;facebook_custom_audiences;firebase;google_ads_customer_match;google_analytics_data_import;google_chat;google_cloud_storage;google_drive;google_sheets;hubspot_companies;hubspot_contacts;jira_create_issue;kloudio;marketo;mparticle;pagerduty;queue_action;salesforce_campaigns;segment_event;segment_group;segment_track;sendgrid;sftp;slack;slack_app;teams_incomingwebhook;tray;twilio;twilio_message;webhook;zapier
// +kubebuilder:validation:MaxLength=63
type IntegrationName string
