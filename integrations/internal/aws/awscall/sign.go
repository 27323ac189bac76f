package awscall

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// signer signs each attempt of a call. The SDK's own step for it ignores the service's clock.
type signer struct {
	v4           *v4.Signer
	credentials  aws.CredentialsProvider
	name, region string
	skew         time.Duration
}

func newSigner(c *Client) *signer {
	return &signer{v4.NewSigner(), c.Credentials, c.SigningName, c.Region, time.Duration(c.skew.Load())}
}

// ID implements [middleware.FinalizeMiddleware].
func (*signer) ID() string { return "Signing" }

// HandleFinalize implements [middleware.FinalizeMiddleware].
func (s *signer) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	out middleware.FinalizeOutput, metadata middleware.Metadata, err error,
) {
	if !aws.IsCredentialsProvider(s.credentials, aws.AnonymousCredentials{}) {
		req := in.Request.(*smithyhttp.Request) //nolint:errcheck,forcetypeassert // as made by smithyhttp.NewStackRequest
		keys, err := s.credentials.Retrieve(ctx)
		if err != nil {
			return out, metadata, fmt.Errorf("getting credentials: %w", err)
		}
		now := time.Now().Add(s.skew)
		if err := s.v4.SignHTTP(ctx, keys, req.Request, v4.GetPayloadHash(ctx), s.name, s.region, now); err != nil {
			return out, metadata, &v4.SigningError{Err: err}
		}
	}
	out, metadata, err = next.HandleFinalize(ctx, in)
	s.skew, _ = awsmiddleware.GetAttemptSkew(metadata)
	return out, metadata, err
}
