package custom

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/custom/expression"
	"integrationhub.dev/hub/outbound"
)

// answers evaluates what the answers of the sample mean, as answers to a request with a number of rows. What a
// delivery ignores, such as a reason that cannot be evaluated, is a problem here.
func (s *sampleCheck) answers(v expression.Vars, count int) {
	if s.answered {
		return // the first request has the most rows
	}
	s.answered = true
	for n, a := range s.sample.Answers {
		field := fmt.Sprintf("spec.sample.answers[%d]", n)
		text, ok := s.answerText(field, a)
		if !ok {
			continue
		}
		what := fmt.Sprintf("answer %d of the sample", n+1)
		r := s.response
		r.observe = func(x *expression.Expression, err error) { s.failed(what, configurationError(r.field(x), err)) }
		before := len(s.problems)
		accepted := r.accepts(a, text, v, count)
		if a.Accepted != nil && *a.Accepted != accepted && len(s.problems) == before {
			meaning := map[bool]string{true: "accepted", false: "did not accept"}
			s.problem(field+".accepted", "By spec.response, the answer means that the destination %s the request with all of its items.", meaning[accepted])
		}
	}
}

// answerText is the body of an answer.
func (s *sampleCheck) answerText(field string, a httpintegration.SampleAnswer) ([]byte, bool) {
	text := []byte(a.Text)
	if a.Body != nil {
		text = a.Body
	}
	switch {
	case a.Body != nil && a.Text != "":
		s.problem(field, "Set one of body and text.")
		return nil, false
	case a.Body != nil && !json.Valid(a.Body):
		s.problem(field+".body", "The value is not JSON.")
		return nil, false
	case int64(len(text)) > s.response.maxBytes:
		s.problem(field, "The answer has more than %d bytes, the maximum of spec.response.maxBytes.", s.response.maxBytes)
		return nil, false
	}
	return text, true
}

// accepts evaluates an answer as a delivery does, and reports whether the destination accepted the request.
func (r *response) accepts(a httpintegration.SampleAnswer, text []byte, v expression.Vars, count int) bool {
	secrets, header := &outbound.Secrets{}, http.Header{}
	for name, value := range a.Headers {
		header.Set(name, string(value))
	}
	if a.Status >= http.StatusMultipleChoices && !slices.Contains(r.statuses, a.Status) {
		status := &outbound.StatusError{Code: a.Status, Header: header, Body: text}
		_ = r.explain(secrets, action.Errorf(action.KindOfStatus(a.Status), "%s", r.label), status, v, count)
		return false
	}
	_, err := r.evaluate(secrets, &outbound.Answer{Status: a.Status, Header: header, Body: text}, v, count)
	return err == nil
}

// field is the place of an expression in the file.
func (r *response) field(x *expression.Expression) string {
	const field = "spec.response."
	switch x {
	case r.success:
		return field + "success"
	case r.reason:
		return field + "error"
	case r.message:
		return field + "message"
	case r.itemSuccess:
		return field + "items.success"
	case r.itemReason:
		return field + "items.error"
	default:
		return field + "items.retry"
	}
}
