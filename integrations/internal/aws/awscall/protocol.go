package awscall

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/ec2query"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/restjson"
	awsxml "github.com/aws/aws-sdk-go-v2/aws/protocol/xml"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Protocol is how a service's operations are called.
type Protocol interface {
	// encode returns the request's body and sets its headers.
	encode(h http.Header, operation string, in any) ([]byte, error)
	// decode reads the body of a successful response.
	decode(body []byte, out any) error
	// fault reads the code and the message of an error response; empty ones are unknown.
	fault(h http.Header, body []byte) (code, message string, err error)
}

// JSON is the protocol AWS JSON 1.1: https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
type JSON struct {
	// Target is the service's name in the header X-Amz-Target.
	Target string
}

func (p JSON) encode(h http.Header, operation string, in any) ([]byte, error) {
	h.Set("Content-Type", "application/x-amz-json-1.1")
	h.Set("X-Amz-Target", p.Target+"."+operation)
	return json.Marshal(in)
}

func (JSON) decode(body []byte, out any) error { return json.Unmarshal(body, out) }

func (JSON) fault(h http.Header, body []byte) (code, message string, err error) {
	var fault struct {
		Type    string `json:"__type"`
		Code    any    // some services put the code here
		Message string
	}
	err = json.NewDecoder(bytes.NewReader(body)).Decode(&fault)
	code, _ = fault.Code.(string)
	return restjson.SanitizeErrorCode(cmp.Or(h.Get("X-Amzn-ErrorType"), fault.Type, code)), fault.Message, err
}

// EC2Query is Amazon EC2's protocol. Requests are [url.Values]:
// https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html
type EC2Query struct {
	// Version of the service's API.
	Version string
}

func (p EC2Query) encode(h http.Header, operation string, in any) ([]byte, error) {
	return encodeQuery(h, operation, p.Version, in)
}

func (EC2Query) decode(body []byte, out any) error { return xml.Unmarshal(body, out) }

func (EC2Query) fault(_ http.Header, body []byte) (code, message string, err error) {
	e, err := ec2query.GetErrorResponseComponents(bytes.NewReader(body))
	return e.Code, e.Message, err
}

// Query is the protocol of AWS STS. Requests are [url.Values]:
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
type Query struct {
	// Version of the service's API.
	Version string
}

func (p Query) encode(h http.Header, operation string, in any) ([]byte, error) {
	return encodeQuery(h, operation, p.Version, in)
}

func (Query) decode(body []byte, out any) error { return xml.Unmarshal(body, out) }

func (Query) fault(_ http.Header, body []byte) (code, message string, err error) {
	e, err := awsxml.GetErrorResponseComponents(bytes.NewReader(body), false)
	return e.Code, e.Message, err
}

// encodeQuery encodes a request as a form.
func encodeQuery(h http.Header, operation, version string, in any) ([]byte, error) {
	form, ok := in.(url.Values)
	if !ok {
		return nil, fmt.Errorf("%T are not parameters", in)
	}
	h.Set("Content-Type", "application/x-www-form-urlencoded")
	all := url.Values{"Action": {operation}, "Version": {version}}
	maps.Copy(all, form)
	return []byte(all.Encode()), nil
}

// deserializer reads responses into out.
type deserializer struct {
	protocol Protocol
	out      any
}

// ID implements [middleware.DeserializeMiddleware].
func (deserializer) ID() string { return "OperationDeserializer" }

// HandleDeserialize implements [middleware.DeserializeMiddleware].
func (d deserializer) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	out middleware.DeserializeOutput, metadata middleware.Metadata, err error,
) {
	out, metadata, err = next.HandleDeserialize(ctx, in)
	res, ok := out.RawResponse.(*smithyhttp.Response)
	if !ok {
		return out, metadata, err
	}
	defer res.Body.Close()
	if err != nil {
		return out, metadata, err
	}
	out.Result = d.out
	return out, metadata, d.read(res)
}

// unknown stands for the code and the message that an error response lacks, as in the SDK.
const unknown = "UnknownError"

func (d deserializer) read(res *smithyhttp.Response) error {
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return &smithy.DeserializationError{Err: err}
	}
	if res.StatusCode/100 == 2 {
		if len(body) > 0 {
			err = d.protocol.decode(body, d.out)
		}
		if err != nil {
			return &smithy.DeserializationError{Err: err}
		}
		return nil
	}
	code, message, err := d.protocol.fault(res.Header, body)
	if err != nil && !errors.Is(err, io.EOF) {
		return &smithy.DeserializationError{Err: err}
	}
	return &smithy.GenericAPIError{Code: cmp.Or(code, unknown), Message: cmp.Or(message, unknown)}
}
