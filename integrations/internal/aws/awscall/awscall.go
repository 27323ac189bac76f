// Package awscall calls operations of AWS services. It does what the SDK's generated clients do, with the SDK's parts for
// retries, signatures, clock skew and errors.
//
// A generated client contains every operation of its service. Those of Amazon EC2 and Amazon SageMaker would be half of
// the hub's program, for a few operations.
package awscall

import (
	"bytes"
	"context"
	"net/http"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Service is an AWS service.
type Service struct {
	// ID is its name in the SDK.
	ID string
	// SigningName is its name in signatures, and Host the beginning of its host names, such as "ec2".
	SigningName, Host string
	Protocol          Protocol
}

// Client calls a service in one region. It must not be copied.
type Client struct {
	Service
	Region      string
	HTTP        aws.HTTPClient
	Credentials aws.CredentialsProvider
	Retryer     aws.Retryer

	// skew is the difference between the service's clock and the hub's, in nanoseconds.
	skew atomic.Int64
}

// Call sends in to an operation and decodes the response into out. The errors are those of the SDK's clients.
func (c *Client) Call(ctx context.Context, operation string, in, out any) error {
	ctx = awsmiddleware.SetServiceID(middleware.ClearStackValues(ctx), c.ID)
	ctx = awsmiddleware.SetOperationName(awsmiddleware.SetRegion(ctx, c.Region), operation)

	stack := middleware.NewStack(operation, smithyhttp.NewStackRequest)
	add := func(err error) {
		if err != nil {
			panic(err) // two steps with one name
		}
	}
	add(stack.Serialize.Add(middleware.SerializeMiddlewareFunc("OperationSerializer", func(
		ctx context.Context, sin middleware.SerializeInput, next middleware.SerializeHandler,
	) (out middleware.SerializeOutput, metadata middleware.Metadata, err error) {
		if sin.Request, err = c.request(sin.Request, operation, in); err != nil {
			return out, metadata, &smithy.SerializationError{Err: err}
		}
		return next.HandleSerialize(ctx, sin)
	}), middleware.After))
	agent := awsmiddleware.NewRequestUserAgent()
	agent.AddSDKAgentKey(awsmiddleware.APIMetadata, c.ID)
	add(stack.Build.Add(agent, middleware.After))
	add(stack.Build.Add(&awsmiddleware.ClientRequestID{}, middleware.After))

	add(stack.Finalize.Add(retry.NewAttemptMiddleware(c.Retryer, smithyhttp.RequestCloner, func(a *retry.Attempt) {
		a.ClientSkew = &c.skew
	}), middleware.After))
	add(stack.Finalize.Add(&v4.ComputePayloadSHA256{}, middleware.After))
	add(stack.Finalize.Add(newSigner(c), middleware.After))

	// A response passes these from the last one to the first.
	add(stack.Deserialize.Add(&awsmiddleware.AddRawResponse{}, middleware.After))
	add(stack.Deserialize.Add(&awshttp.ResponseErrorWrapper{}, middleware.After))
	add(stack.Deserialize.Add(&awsmiddleware.RequestIDRetriever{}, middleware.After))
	add(stack.Deserialize.Add(deserializer{c.Protocol, out}, middleware.After))
	add(stack.Deserialize.Add(&awsmiddleware.RecordResponseTiming{}, middleware.After))

	_, _, err := middleware.DecorateHandler(smithyhttp.NewClientHandlerWithOptions(c.HTTP), stack).Handle(ctx, in)
	if err != nil {
		return &smithy.OperationError{ServiceID: c.ID, OperationName: operation, Err: err}
	}
	return nil
}

// request fills an empty request.
func (c *Client) request(empty any, operation string, in any) (*smithyhttp.Request, error) {
	req := empty.(*smithyhttp.Request) //nolint:errcheck,forcetypeassert // as made by smithyhttp.NewStackRequest
	body, err := c.Protocol.encode(req.Header, operation, in)
	if err != nil {
		return nil, err
	}
	req.Method = http.MethodPost
	req.URL.Scheme, req.URL.Host, req.URL.Path = "https", c.Host+"."+c.Region+"."+Domain(c.Region), "/"
	return req.SetStream(bytes.NewReader(body))
}
