package v1alpha1

// IntegrationName is the name of an integration on the wire. Only names of integrations
// that this version of the hub contains are accepted.
//
// +kubebuilder:validation:Enum=airtable;amazon_s3;amazon_sagemaker_infer;amazon_sagemaker_train_linearlearner;amazon_sagemaker_train_xgboost;auger;aws_ec2_stop_instance;datarobot;debug;digitalocean_droplet;discord;dropbox;email;google_chat;google_drive;google_sheets;jira_create_issue;pagerduty;queue_action;sendgrid;slack;slack_app;teams_incomingwebhook;tray;twilio;twilio_message;webhook;zapier
// +kubebuilder:validation:MaxLength=63
type IntegrationName string
