// Package awsec2stopinstance stops the Amazon EC2 instances in a query's result, or the one in a
// cell.
package awsec2stopinstance

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/rows"
)

var _ action.Integration = (*Integration)(nil)

// instances have IDs of 8 or 17 hexadecimal digits
// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html).
var instances = rows.IDKind{
	Tag: "aws_resource_id", Valid: regexp.MustCompile(`^i-(?:[0-9a-f]{8}|[0-9a-f]{17})$`), Noun: "instance ID",
	NoCell: "Couldn't get data from cell.",
}

// account is what the Looker administrator enters.
type account struct {
	AccessKey action.Secret `param:"access_key_id,required"`
	SecretKey action.Secret `param:"secret_access_key,required"`
	Region    region        `param:"region,required"`
}

// region becomes part of a host name.
type region string

var validRegion = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (r *region) UnmarshalText(text []byte) error {
	*r = region(strings.ToLower(string(text)))
	if !validRegion.MatchString(string(*r)) {
		return errors.New("must be the name of an AWS region such as us-east-1: letters, digits and hyphens")
	}
	return nil
}

// Integration stops instances.
type Integration struct {
	deps action.Deps
	// maxBackoff bounds the wait between retries.
	maxBackoff time.Duration
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	return &Integration{deps, 20 * time.Second}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "aws_ec2_stop_instance", Label: "AWS EC2 - Stop Instance",
		Description: "Stop an EC2 instance.",
		Params: []action.Param{
			{Name: "access_key_id", Label: "Access Key", Required: true, Sensitive: true, Description: "Your access key for EC2."},
			{Name: "secret_access_key", Label: "Secret Key", Required: true, Sensitive: true, Description: "Your secret key for EC2."},
			{
				Name: "region", Label: "Region", Required: true,
				Description: "EC2 Region e.g. us-east-1, us-west-1, ap-south-1 from " +
					"http://docs.aws.amazon.com/general/latest/gr/rande.html#s3_region.",
			},
		},
		RequiredFields: []action.RequiredField{{Tag: instances.Tag}},
		Types:          []action.Type{action.TypeCell, action.TypeQuery},
		Formats:        []action.Format{action.JSONDetail},
		Download:       action.Push,
		MinVersion:     action.V(5, 5, 0),
	}
}

// Execute implements [action.Integration]. An instance that fails does not affect the others. The
// message says how many are stopping.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, err := action.Decode[account](req)
	if err != nil {
		return nil, err
	}
	ids, err := instances.Read(ctx, req)
	if err != nil {
		return nil, err
	}
	sent, err := stop(ctx, i.client(in), ids)
	if err != nil {
		return nil, err
	}
	return &action.Response{Message: fmt.Sprintf("%d instances are stopping.", sent)}, nil
}
