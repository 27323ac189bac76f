package custom

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/cel-go/common/types"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/custom/expression"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// response is what answers mean.
type response struct {
	label                              string
	statuses                           []int
	success, reason, message           *expression.Expression
	itemSuccess, itemReason, itemRetry *expression.Expression
	maxBytes                           int64
	// observe, if set, gets each error of an expression, also those that a delivery ignores.
	observe func(*expression.Expression, error)
}

const defaultMaxAnswer = 1 << 20

// responses compiles what answers mean.
func (c *compiler) responses() {
	r := &c.i.response
	r.label, r.maxBytes = c.Spec.Label, defaultMaxAnswer
	spec := c.Spec.Response
	if spec == nil {
		return
	}
	const field = "spec.response"
	r.statuses, r.maxBytes = spec.SuccessStatuses, int64(cmp.Or(spec.MaxBytes, defaultMaxAnswer))
	r.success = c.expression(field+".success", spec.Success, c.responseScope, boolResult)
	r.reason = c.expression(field+".error", spec.Error, c.responseScope, textResult)
	r.message = c.expression(field+".message", spec.Message, c.responseScope, textResult)
	if items := spec.Items; items != nil {
		s := c.responseScope.With("index")
		s.PerRow = true
		r.itemSuccess = c.expression(field+".items.success", items.Success, s, boolResult)
		r.itemReason = c.expression(field+".items.error", items.Error, s, textResult)
		r.itemRetry = c.expression(field+".items.retry", items.Retry, s, boolResult)
	}
}

// reads reports whether the body of a successful answer matters.
func (r *response) reads() bool {
	return r.success != nil || r.message != nil || r.itemSuccess != nil || len(r.statuses) > 0
}

// vars are the variables of an answer.
func (r *response) vars(v expression.Vars, status int, header http.Header, body []byte, count int) expression.Vars {
	headers := make(map[string]string, len(header))
	for name, values := range header {
		headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return v.With(expression.Vars{
		"status": status, "headers": headers, "text": string(body), "body": expression.FromJSON(body), "count": count,
	})
}

// explain adds the destination's reason to the error for a status.
func (r *response) explain(secrets *outbound.Secrets, err *action.Error, status *outbound.StatusError, v expression.Vars, count int) error {
	message := err.Message
	if reason := r.say(secrets, r.reason, r.vars(v, status.Code, status.Header, status.Body, count)); reason != "" {
		message = strings.TrimSuffix(message, ".") + ": " + reason
	}
	return action.Wrap(status, err.Kind, "%s", message)
}

// say evaluates a text for Looker's user. It is empty if it cannot be evaluated: an answer that is not as
// expected has no reason.
func (r *response) say(secrets *outbound.Secrets, x *expression.Expression, v expression.Vars) string {
	if x == nil {
		return ""
	}
	text, err := x.Text(v)
	if err != nil {
		r.failed(x, err)
		return ""
	}
	return action.Line(secrets.Scrub(text))
}

// evaluate decides whether the destination accepted a request, and returns its message.
func (r *response) evaluate(secrets *outbound.Secrets, answer *outbound.Answer, v expression.Vars, count int) (string, error) {
	if !r.reads() {
		return "", nil
	}
	if len(r.statuses) > 0 && !slices.Contains(r.statuses, answer.Status) {
		return "", r.rejected(fmt.Sprintf("%s returned %d %s, which is not a success status.", r.label, answer.Status, http.StatusText(answer.Status)), "")
	}
	v = r.vars(v, answer.Status, answer.Header, answer.Body, count)
	if r.success != nil {
		accepted, err := r.success.Bool(v)
		switch {
		case err != nil:
			r.failed(r.success, err)
			return "", r.unexpected(err)
		case !accepted:
			return "", r.rejected(fmt.Sprintf("%s did not accept the request.", r.label), r.say(secrets, r.reason, v))
		}
	}
	if r.itemSuccess != nil {
		return "", r.evaluateItems(secrets, v, count)
	}
	return r.say(secrets, r.message, v), nil
}

// errRetryItem marks an item that may be accepted later.
var errRetryItem = errors.New("the destination may accept the item later")

// evaluateItems decides which items of a batch were accepted.
func (r *response) evaluateItems(secrets *outbound.Secrets, v expression.Vars, count int) error {
	failed := map[int]error{}
	for index := range count {
		v["index"] = types.Int(index)
		accepted, err := r.itemSuccess.Bool(v)
		switch {
		case err != nil:
			r.failed(r.itemSuccess, err)
			failed[index] = r.unexpected(err)
		case !accepted:
			failed[index] = r.rejectedItem(secrets, v)
		}
	}
	return deliver.Partial(failed)
}

func (r *response) rejectedItem(secrets *outbound.Secrets, v expression.Vars) error {
	err := r.rejected(fmt.Sprintf("%s did not accept a row.", r.label), r.say(secrets, r.itemReason, v))
	if r.itemRetry == nil {
		return err
	}
	later, evalErr := r.itemRetry.Bool(v)
	switch {
	case evalErr != nil:
		r.failed(r.itemRetry, evalErr)
	case later:
		return action.Wrap(errRetryItem, action.Unavailable, "%s", err.Message)
	}
	return err
}

// failed notes that an expression could not be evaluated.
func (r *response) failed(x *expression.Expression, err error) {
	if r.observe != nil {
		r.observe(x, err)
	}
}

func (r *response) rejected(message, reason string) *action.Error {
	if reason != "" {
		message = strings.TrimSuffix(message, ".") + ": " + reason
	}
	return action.Errorf(action.Invalid, "%s", message)
}

// unexpected is the error for an answer that lacks what the configuration expects: the request may have been
// carried out.
func (r *response) unexpected(err error) error {
	return action.Wrap(fmt.Errorf("%w: evaluating the response: %w", outbound.ErrInDoubt, err), action.Unavailable,
		"Unexpected response from %s. It may already have accepted the request. Check before retrying.", r.label)
}
