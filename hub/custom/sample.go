package custom

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/cel-go/common/types/ref"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/custom/expression"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/suggest"
)

// maxSampleRows is the maximum number of rows in a sample.
const maxSampleRows = 10

// sampleTime is when the sample is delivered, so that each check of a file has the same result.
var sampleTime = time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)

// samplePlan is what is delivered in a sample.
func samplePlan(t action.Type) action.Plan {
	return action.Plan{
		ID: "1", Title: "Sample", Type: string(t), URL: "https://looker.example.com/x/sample",
		QueryID: "1", Model: "sample", View: "sample",
	}
}

// sampleCheck makes the requests of a sample. Nothing is sent, and no secret is read.
type sampleCheck struct {
	*Integration
	sample *httpintegration.Sample
	// table has the columns of the result; nil if there is none.
	table *action.Table
	rows  []action.Row
	// delivery is the current one: of a query or a dashboard, or of a cell.
	delivery *delivery
	header   http.Header

	requests []SampleRequest
	problems []sampleProblem
	// answered is set once the answers were evaluated for a request of the delivery.
	answered bool
	// hidden are the sensitive settings of the sample.
	hidden outbound.Secrets
}

// sampleProblem is a problem of a field.
type sampleProblem struct{ field, message string }

// sample checks the sample of a file.
func (c *compiler) sample() {
	if c.Spec.Sample == nil || len(c.problems) > 0 {
		return
	}
	for _, p := range c.i.checkSample().problems {
		c.problem(p.field, "%s", p.message)
	}
}

// checkSample makes the requests of the sample.
func (i *Integration) checkSample() *sampleCheck {
	s := &sampleCheck{Integration: i, sample: i.spec.Sample}
	s.names()
	s.columns()
	for _, t := range i.definition.Types {
		if len(s.problems) > 0 {
			return s
		}
		if t == action.TypeDashboard && slices.Contains(i.definition.Types, action.TypeQuery) {
			continue // it makes the same requests as a query
		}
		s.deliver(t)
	}
	return s
}

// problem adds a problem, of each field once: other rows mostly fail for the same reason.
func (s *sampleCheck) problem(field, format string, args ...any) {
	if !slices.ContainsFunc(s.problems, func(p sampleProblem) bool { return p.field == field }) {
		s.problems = append(s.problems, sampleProblem{field, fmt.Sprintf(format, args...)})
	}
}

// failed adds the problem of a template or an expression. what is what it was evaluated for.
func (s *sampleCheck) failed(what string, err error) {
	if e, ok := errors.AsType[*evaluationError](err); ok {
		if e.secrets {
			return // its placeholder may be the reason
		}
		field := e.field
		if f, ok := errors.AsType[*expression.FieldError](err); ok && f.Field != "" {
			field += "." + strings.TrimPrefix(f.Field, ".")
			field = strings.ReplaceAll(field, ".[", "[")
		}
		reason := e.err
		if f, ok := errors.AsType[*expression.FieldError](reason); ok {
			reason = f.Err
		}
		s.problem(field, "Evaluation fails for %s: %s.", what, strings.TrimSuffix(reason.Error(), "."))
		return
	}
	s.problem("spec.sample", "The request cannot be created for %s: %s", what, action.MessageOf(err))
}

// names checks the names of settings and fields, and that required settings have values.
func (s *sampleCheck) names() {
	var params, fields []string
	for _, p := range s.spec.Params {
		params = append(params, string(p.Name))
		if p.Required && !p.Sensitive && s.sample.Params[string(p.Name)] == "" {
			s.problem("spec.sample.params", "The sample must have a value for %s, which is required.", p.Name)
		}
	}
	for _, f := range s.spec.Form {
		fields = append(fields, string(f.Name))
	}
	for _, part := range []struct {
		name   string
		known  []string
		values map[string]httpintegration.SampleText
	}{{"params", params, s.sample.Params}, {"form", fields, s.sample.Form}} {
		for _, name := range slices.Sorted(maps.Keys(part.values)) {
			if !slices.Contains(part.known, name) {
				field := "spec.sample." + part.name + "." + name
				message := "There is no " + name + " in spec." + part.name + suggest.Text(name, part.known)
				if !strings.HasSuffix(message, "?") {
					message += "."
				}
				s.problem(field, "%s", message)
			}
		}
	}
}

// columns makes the table from the columns.
func (s *sampleCheck) columns() {
	if len(s.sample.Columns) == 0 {
		hasRows := func(t action.Type) bool { return t != action.TypeCell }
		if s.needsRows && slices.ContainsFunc(s.definition.Types, hasRows) {
			s.problem("spec.sample", "The request uses rows or columns. Add columns to the sample.")
		}
		return
	}
	columns := make([]action.Column, 0, len(s.sample.Columns))
	var rows [][]action.Cell
	for n, c := range s.sample.Columns {
		field := fmt.Sprintf("spec.sample.columns[%d].values", n)
		var values []json.RawMessage
		if err := json.Unmarshal(c.Values, &values); err != nil || values == nil {
			s.problem(field, "The value is not a list.")
			continue
		}
		if n == 0 {
			rows = make([][]action.Cell, len(values))
		}
		switch {
		case len(values) > maxSampleRows:
			s.problem(field, "A sample can have at most %d rows.", maxSampleRows)
			continue
		case len(values) != len(rows):
			s.problem(field, "The column has %d values, and the first one has %d.", len(values), len(rows))
			continue
		}
		for row, value := range values {
			rows[row] = append(rows[row], action.NewCell([]byte(`{"value":`+string(value)+"}")))
		}
		columns = append(columns, s.column(c, values))
	}
	for _, cells := range rows {
		s.rows = append(s.rows, action.NewRow(cells))
	}
	s.table = action.NewTable(columns, nil, nil)
}

// column describes a column as Looker does.
func (*sampleCheck) column(c httpintegration.SampleColumn, values []json.RawMessage) action.Column {
	out := action.Column{Name: c.Name, Label: cmp.Or(c.Label, c.Name), LabelShort: cmp.Or(c.Label, c.Name), Type: c.Type}
	for _, tag := range c.Tags {
		out.Tags = append(out.Tags, string(tag))
	}
	if c.Type == "" {
		out.Type = typeOf(values)
	}
	out.IsNumeric = out.Type == "number"
	return out
}

// typeOf is number if all values are numbers or null, and string otherwise.
func typeOf(values []json.RawMessage) string {
	numbers := 0
	for _, v := range values {
		switch {
		case string(v) == "null":
		case strings.ContainsAny(string(v[:1]), "-0123456789"):
			numbers++
		default:
			return "string"
		}
	}
	if numbers == 0 {
		return "string"
	}
	return "number"
}

// deliver makes the requests of a delivery of one type.
func (s *sampleCheck) deliver(t action.Type) {
	req := &action.Request{Type: t, Params: s.params(), Form: map[string]string{}, Plan: samplePlan(t), InstanceID: "sample", WebhookID: "1"}
	for name, value := range s.sample.Form {
		req.Form[name] = string(value)
	}
	const id = "msg_SAMPLE"
	v := s.variables(req, id)
	if members, ok := v["delivery"].(map[string]any); ok {
		members["time"] = sampleTime
	}
	secrets := map[string]string{}
	for _, secret := range s.spec.Secrets {
		secrets[string(secret.Name)] = "secrets." + string(secret.Name)
	}
	v["secrets"] = secrets
	s.answered = false
	s.delivery = &delivery{Integration: s.Integration, req: req, id: id, vars: v.WithBudget()}
	if !s.formValues() {
		return
	}
	s.header = s.credentials()
	s.optionRequests()
	switch {
	case t == action.TypeCell:
		s.delivery.vars["rows"], s.delivery.vars["columns"] = []ref.Val{}, []ref.Val{}
		s.single(0)
	case s.needsRows:
		s.result()
	default:
		s.single(0)
	}
}

// params are the settings. A sensitive one that the sample leaves out has a placeholder.
func (s *sampleCheck) params() map[string]string {
	params := map[string]string{"value": string(s.sample.Cell)}
	for _, p := range s.spec.Params {
		name := string(p.Name)
		value, given := s.sample.Params[name]
		params[name] = string(value)
		if p.Sensitive && given {
			s.hidden.Add(string(value))
		}
		if p.Sensitive && !given && p.Required {
			params[name] = "params." + name
		}
	}
	return params
}

// formValues checks the answers as the hub does before a delivery.
func (s *sampleCheck) formValues() bool {
	before := len(s.problems)
	err := s.validate(s.delivery.req, s.delivery.vars)
	for n, f := range s.form {
		if f.when == nil {
			continue
		}
		if _, err := f.when.Bool(s.delivery.vars); err != nil {
			s.failed("the sample", configurationError(fmt.Sprintf("spec.form[%d].when", n), err))
		}
	}
	if err == nil {
		return len(s.problems) == before
	}
	if e, ok := errors.AsType[*action.Error](err); ok && len(e.Fields) > 0 {
		for name, message := range e.Fields {
			s.problem("spec.sample.form."+name, "%s", message)
		}
		return false
	}
	s.failed("the sample", err)
	return false
}

// optionRequests makes the requests for the first page of options.
func (s *sampleCheck) optionRequests() {
	for _, f := range s.form {
		if f.options == nil || !f.shown(s.delivery.vars) {
			continue
		}
		v := s.delivery.vars.With(expression.Vars{"previous": nil, "page": 0})
		c, err := f.options.endpoint.prepare(v)
		if err != nil {
			s.failed("the sample", err)
			continue
		}
		s.add(f.options.endpoint.field, c, nil)
	}
}

// result makes the requests with the rows of the result.
func (s *sampleCheck) result() {
	columns, err := s.delivery.checkColumns(s.table)
	if err != nil {
		s.problem("spec.sample.columns", "%s", action.MessageOf(err))
		return
	}
	var rows []ref.Val
	for _, row := range s.rows {
		rows = append(rows, columns.Row(row))
	}
	switch s.spec.Request.Per {
	case "row":
		for n, row := range rows {
			id := fmt.Sprintf("%s-%d", s.delivery.id, n)
			v := s.delivery.vars.With(expression.Vars{"row": row, "request": map[string]string{"id": id}})
			s.request(v, id, fmt.Sprintf("row %d of the sample", n+1), maxRowBody, 1)
		}
	case "batch":
		s.batches(rows)
	default:
		s.delivery.vars["rows"] = rows[:min(len(rows), cmp.Or(s.spec.Request.MaxRows, defaultMaxRows))]
		s.single(len(rows))
	}
}

// single makes the request of a whole delivery.
func (s *sampleCheck) single(count int) {
	s.request(s.delivery.vars, s.delivery.id, "the sample", maxBody, count)
}

// batches makes the items of batches and, if there is one for each row, the requests.
func (s *sampleCheck) batches(rows []ref.Val) {
	spec := s.spec.Request.Batch
	maxBytes, before := cmp.Or(spec.MaxBytes, defaultBatchBytes), len(s.problems)
	var items [][]byte
	for n, row := range rows {
		text, err := s.item.Render(s.delivery.vars.With(expression.Vars{"row": row}), maxBytes)
		if err != nil {
			s.failed(fmt.Sprintf("row %d of the sample", n+1), configurationError("spec.request.batch.item", err))
		}
		items = append(items, text)
	}
	if len(s.problems) > before {
		return
	}
	index := 0
	for batch := range slices.Chunk(items, spec.MaxRows) {
		id := fmt.Sprintf("%s-%d-%d", s.delivery.id, index, len(batch))
		index += len(batch)
		v := expression.Vars{"items": batch, "count": len(batch), "request": map[string]string{"id": id}}
		s.request(s.delivery.vars.With(v), id, "the sample", 2*maxBody, len(batch))
	}
}

// request makes one request of a delivery, with a number of rows, and evaluates the answers to it.
func (s *sampleCheck) request(v expression.Vars, id, what string, maxBytes, count int) {
	c, err := s.delivery.prepare(v, id)
	if err != nil {
		s.failed(what, err)
	}
	body, bodyErr := s.sampleBody(v, maxBytes)
	if bodyErr != nil {
		s.failed(what, bodyErr)
	}
	if err == nil && bodyErr == nil {
		s.add("spec.request", c, body)
		s.answers(v, count)
	}
}
