package sagemaker

import (
	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/rows"
)

var (
	roleParam   = action.Param{Name: "roleArn", Label: "Role ARN", Required: true, Description: "Role ARN for accessing SageMaker and S3"}
	regionParam = action.Param{Name: "region", Label: "Region", Required: true, Description: "AWS Region for accessing SageMaker"}
	mailParams  = []action.Param{
		{
			Name: "user_email", Label: "Looker User Email", Required: true,
			Description: "\n        Click the button on the right and select 'Email'.\n        This is required for the action to send " +
				"status emails\n        when training or inference jobs are complete.\n      ",
		},
		{Name: "smtpHost", Label: "SMTP Host", Required: true, Description: "Host for sending emails."},
		{Name: "smtpPort", Label: "SMTP Port", Required: true, Description: "Port for sending emails."},
		{Name: "smtpFrom", Label: "SMTP From", Required: true, Description: "From for sending emails."},
		{Name: "smtpUser", Label: "SMTP User", Required: true, Description: "User for sending emails."},
		{Name: "smtpPass", Label: "SMTP Pass", Required: true, Sensitive: true, Description: "Pass for sending emails."},
	}
)

// Definition is the common part of the integrations' definitions. Trainers do not have the parameter
// for the region, because a bucket has one. With a pod identity, the access key is optional.
func (c *Client) Definition(withRegion bool) action.Definition {
	required := !c.identity.Keyless()
	params := []action.Param{
		{Name: "accessKeyId", Label: "Access Key", Required: required, Sensitive: true, Description: "Your access key for SageMaker."},
		{Name: "secretAccessKey", Label: "Secret Key", Required: required, Sensitive: true, Description: "Your secret key for SageMaker."},
		roleParam,
	}
	if withRegion {
		params = append(params, regionParam)
	}
	return rows.Definition(action.Definition{
		Params:     append(params, mailParams...),
		Formats:    []action.Format{action.CSV},
		Download:   action.URL,
		MinVersion: action.V(5, 5, 0),
	})
}
