// Package awssdk configures the AWS SDK for all integrations that use it.
package awssdk

import (
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// Credentials returns the credentials of one request.
func Credentials(accessKey, secretKey action.Secret) aws.CredentialsProvider {
	// Keys contain no spaces, but pasted text can.
	return credentials.NewStaticCredentialsProvider(strings.TrimSpace(accessKey.Reveal()), strings.TrimSpace(secretKey.Reveal()), "")
}

// Retryer makes a request up to maxAttempts times, but not again if the egress policy blocks it. The checks are
// called first, for each failed attempt.
func Retryer(maxAttempts int, maxBackoff time.Duration, checks ...retry.IsErrorRetryable) aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff = maxAttempts, maxBackoff
		o.Retryables = append(append(checks, retry.IsErrorRetryableFunc(blockedIsFinal)), o.Retryables...)
	})
}

func blockedIsFinal(err error) aws.Ternary {
	if errors.Is(err, outbound.ErrForbiddenAddress) {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}
