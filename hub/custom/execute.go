package custom

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/cel-go/common/types/ref"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/custom/expression"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// delivery is one delivery.
type delivery struct {
	*Integration
	req         *action.Request
	id          string
	vars        expression.Vars
	credentials *credentials
}

// variables returns what all expressions of a request from Looker can use.
func (i *Integration) variables(req *action.Request, id string) expression.Vars {
	params, form := map[string]string{}, map[string]string{}
	for _, p := range i.spec.Params {
		params[string(p.Name)] = req.Params[string(p.Name)]
	}
	for _, f := range i.spec.Form {
		form[string(f.Name)] = req.Form[string(f.Name)]
	}
	return expression.Vars{
		"params": params, "form": form,
		"plan": map[string]string{
			"id": req.Plan.ID, "title": req.Plan.Title, "type": req.Plan.Type, "url": req.Plan.URL,
			"queryId": req.Plan.QueryID, "model": req.Plan.Model, "view": req.Plan.View,
		},
		"delivery": map[string]any{
			"id": id, "type": string(req.Type), "time": time.Now().UTC(), "webhookId": req.WebhookID, "instanceId": req.InstanceID,
		},
		"cell": req.Params["value"], "request": map[string]string{"id": id},
	}
}

// noteSecrets collects what messages must not show.
func (i *Integration) noteSecrets(ctx context.Context, req *action.Request, secrets map[string]string) context.Context {
	ctx = outbound.AddSecrets(ctx, slices.Collect(maps.Values(secrets))...)
	for _, p := range i.spec.Params {
		if p.Sensitive {
			ctx = outbound.AddSecrets(ctx, req.Params[string(p.Name)])
		}
	}
	return ctx
}

// begin checks a delivery and evaluates what all of its requests have in common.
func (i *Integration) begin(ctx context.Context, req *action.Request) (context.Context, *delivery, error) {
	d := &delivery{Integration: i, req: req, id: "msg_" + rand.Text()}
	d.vars = i.variables(req, d.id)
	if err := i.validate(req, d.vars); err != nil {
		return ctx, nil, err
	}
	secrets, err := i.readSecrets()
	if err != nil {
		return ctx, nil, err
	}
	ctx = i.noteSecrets(ctx, req, secrets)
	d.vars["secrets"] = secrets
	d.credentials, err = i.auth.credentials(ctx, d.vars)
	return ctx, d, err
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	ctx, d, err := i.begin(ctx, req)
	if err != nil {
		return nil, err
	}
	switch i.spec.Request.Per {
	case "row":
		return d.rows(ctx)
	case "batch":
		return d.batches(ctx)
	}
	body, err := d.body(ctx)
	if err != nil {
		return nil, err
	}
	defer body.close()
	c, err := d.prepare(d.vars, d.id)
	if err != nil {
		return nil, err
	}
	var message string
	err = deliver.Call(ctx, i.limiter, i.policy, func(ctx context.Context) error {
		var err error
		message, err = d.send(ctx, c, body.Body, d.vars, body.count)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &action.Response{Message: message}, nil
}

// prepare evaluates where a request is sent. id is the request's.
func (d *delivery) prepare(v expression.Vars, id string) (call, error) {
	c, err := d.endpoint.prepare(v)
	if err != nil {
		return c, err
	}
	c.id = id
	if d.key != nil {
		value, err := d.key.Eval(v)
		if err != nil || value == "" {
			return c, configurationError("spec.request.idempotencyKey.value", cmp.Or(err, errors.New("the value is empty")))
		}
		c.header.Set(d.spec.Request.IdempotencyKey.Header, value)
	}
	return c, nil
}

// requestBody is the body of the request of a whole delivery.
type requestBody struct {
	*outbound.Body
	count int
	blob  action.Blob
}

func (b requestBody) close() {
	if b.blob != nil {
		_ = b.blob.Close()
	}
}

// maxBody is the maximum size of a body that is made by a template.
const maxBody = 32 << 20

// body makes the body of the request of a whole delivery.
func (d *delivery) body(ctx context.Context) (requestBody, error) {
	spec := d.spec.Request.Body
	var b requestBody
	if d.needsRows {
		var err error
		if b.count, err = d.readRows(ctx); err != nil {
			return b, err
		}
	}
	switch {
	case spec == nil:
		return b, nil
	case spec.JSON == nil:
		return d.fileBody(ctx)
	}
	text, err := d.Integration.body.Render(d.vars, maxBody)
	if err != nil {
		return b, configurationError("spec.request.body.json", err)
	}
	body := outbound.Bytes(asJSON, text)
	b.Body = &body
	return b, nil
}

// maxFile exceeds the size of any spool.
const maxFile = 1 << 50

// fileBody fetches Looker's file completely: an incomplete one is never sent, and the request can be repeated.
func (d *delivery) fileBody(ctx context.Context) (b requestBody, err error) {
	if b.blob, err = d.req.Data.Spool(ctx, maxFile); err != nil {
		return b, err
	}
	if b.blob.Size() == 0 {
		b.close()
		return b, action.Errorf(action.Invalid, "Looker sent no data.")
	}
	spec := d.spec.Request.Body
	body := outbound.BlobBody(contentType(d.req), b.blob)
	if m := spec.Multipart; m != nil {
		if body, err = d.multipart(m.FileField, b.blob); err != nil {
			b.close()
			return b, err
		}
	} else if spec.File.ContentType != "" {
		body.ContentType = spec.File.ContentType
	}
	b.Body = &body
	return b, nil
}

func (d *delivery) multipart(field string, blob action.Blob) (outbound.Body, error) {
	file := outbound.File{Field: field, Name: d.req.SuggestedFilename(), ContentType: contentType(d.req), Blob: blob}
	if d.filename != nil {
		name, err := d.filename.Eval(d.vars)
		if err != nil {
			return outbound.Body{}, configurationError("spec.request.body.multipart.filename", err)
		}
		file.Name = cmp.Or(name, file.Name)
	}
	fields := map[string]string{}
	for name, t := range d.fields {
		value, err := t.Eval(d.vars)
		if err != nil {
			return outbound.Body{}, configurationError("spec.request.body.multipart.fields."+name, err)
		}
		if value != "" {
			fields[name] = value
		}
	}
	return outbound.Multipart(file, fields)
}

// defaultMaxRows is how many rows expressions have in a request per delivery.
const defaultMaxRows = 100

// readRows reads the result to its end, so that an incomplete one is an error, and keeps the first rows.
func (d *delivery) readRows(ctx context.Context) (int, error) {
	maxRows, count := cmp.Or(d.spec.Request.MaxRows, defaultMaxRows), 0
	rows := []ref.Val{}
	d.vars["rows"], d.vars["columns"] = rows, []ref.Val{}
	if d.req.Data.Empty() {
		if d.req.Type == action.TypeCell {
			return 0, nil
		}
		return 0, action.Errorf(action.Invalid, "Looker sent no data.")
	}
	columns, table, err := d.table(ctx)
	if err != nil {
		return 0, err
	}
	for row, err := range table.Rows() {
		if err != nil {
			return 0, err
		}
		if count < maxRows {
			rows = append(rows, columns.Row(row))
		}
		count++
	}
	d.vars["rows"] = rows
	return count, nil
}

// table opens the result and checks that it has the columns that expressions need.
func (d *delivery) table(ctx context.Context) (*expression.Columns, *action.Table, error) {
	if d.req.Data.Empty() {
		return nil, nil, action.Errorf(action.Invalid, "Looker sent no data.")
	}
	table, err := d.req.Data.Table(ctx)
	if err != nil {
		return nil, nil, err
	}
	columns, err := d.checkColumns(table)
	if err != nil {
		return nil, nil, err
	}
	return columns, table, nil
}

// checkColumns checks that a result has the columns that expressions and tags need.
func (d *delivery) checkColumns(table *action.Table) (*expression.Columns, error) {
	columns := expression.NewColumns(table)
	needed := maps.Clone(d.columns)
	if needed == nil {
		needed = map[string][]string{}
	}
	for _, tag := range d.spec.RequiredTags {
		needed["tag"] = append(slices.Clone(needed["tag"]), string(tag))
	}
	d.vars["columns"] = columns.List()
	// A result without rows may have no columns either, as Looker's json has its names in the rows.
	if view, name, missing := columns.Missing(needed); missing && len(table.Columns) > 0 {
		switch view {
		case "tag":
			return nil, action.Errorf(action.Invalid, "Query requires a field tagged %s.", name)
		case "label":
			return nil, action.Errorf(action.Invalid, "Query requires a field with the label %s.", name)
		}
		return nil, action.Errorf(action.Invalid, "Query requires the field %s.", name)
	}
	return columns, nil
}

// rowRequest is the request of one row.
type rowRequest struct {
	call
	body *outbound.Body
	vars expression.Vars
}

// maxRowBody is the maximum size of the body of a row's request.
const maxRowBody = 4 << 20

// rows sends a request for each row.
func (d *delivery) rows(ctx context.Context) (*action.Response, error) {
	columns, table, err := d.table(ctx)
	if err != nil {
		return nil, err
	}
	index := 0
	requests := convert(table, func(row action.Row) (rowRequest, error) {
		id := fmt.Sprintf("%s-%d", d.id, index)
		index++
		v := d.vars.With(expression.Vars{"row": columns.Row(row), "request": map[string]string{"id": id}})
		r := rowRequest{vars: v}
		var err error
		if r.call, err = d.prepare(v, id); err != nil {
			return r, err
		}
		if d.Integration.body == nil {
			return r, nil
		}
		text, err := d.Integration.body.Render(v, maxRowBody)
		if err != nil {
			return r, rowError("request.body.json", err)
		}
		body := outbound.Bytes(asJSON, text)
		r.body = &body
		return r, nil
	})
	o := deliver.Options[rowRequest]{Size: 1, Concurrency: d.concurrency(), Limiter: d.limiter, Retry: d.policy}
	result := deliver.Batches(ctx, requests, o, func(ctx context.Context, one []rowRequest) error {
		_, err := d.send(ctx, one[0].call, one[0].body, one[0].vars, 1)
		return d.stop(err)
	})
	return d.respond(result)
}

// convert yields the rows of a table as items. An error of a row rejects only that row.
func convert[T any](table *action.Table, item func(action.Row) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for row, err := range table.Rows() {
			var one T
			if err == nil {
				if one, err = item(row); err != nil {
					err = deliver.Reject(err)
				}
			}
			if !yield(one, err) {
				return
			}
		}
	}
}

// rowError is the error for a template that cannot be evaluated for a row.
func rowError(field string, err error) error {
	if e, ok := errors.AsType[*expression.FieldError](err); ok && strings.HasPrefix(e.Field, "[") {
		return action.Errorf(action.Invalid, "The template cannot be rendered: %s%s.", field, err)
	}
	separator := "."
	if e, ok := errors.AsType[*expression.FieldError](err); !ok || e.Field == "" {
		separator = ": "
	}
	return action.Errorf(action.Invalid, "The template cannot be rendered: %s%s%s.", field, separator, err)
}

// batchItem is one rendered row.
type batchItem struct {
	index int
	text  []byte
}

const defaultBatchBytes = 1_000_000

// batches sends rows in batches.
func (d *delivery) batches(ctx context.Context) (*action.Response, error) {
	columns, table, err := d.table(ctx)
	if err != nil {
		return nil, err
	}
	spec := d.spec.Request.Batch
	maxBytes, index := cmp.Or(spec.MaxBytes, defaultBatchBytes), 0
	v := d.vars.With(nil)
	items := convert(table, func(row action.Row) (batchItem, error) {
		v["row"] = columns.Row(row)
		item := batchItem{index: index}
		index++
		var err error
		if item.text, err = d.item.Render(v, maxBytes); err != nil {
			return item, rowError("request.batch.item", err)
		}
		return item, nil
	})
	o := deliver.Options[batchItem]{
		Size: spec.MaxRows, MaxBytes: maxBytes, Weight: func(i batchItem) int { return len(i.text) + len(",") },
		Concurrency: d.concurrency(), Limiter: d.limiter, Retry: d.policy,
	}
	if d.response.itemRetry != nil {
		o.RetryItems = deliver.Retry{
			MaxAttempts: 4, InitialBackoff: time.Second, MaxBackoff: 30 * time.Second,
			When: func(err error) bool { return errors.Is(err, errRetryItem) },
		}
	}
	return d.respond(deliver.Batches(ctx, items, o, d.sendBatch))
}

// sendBatch sends one batch. A part of a batch that is sent again has an ID of its own.
func (d *delivery) sendBatch(ctx context.Context, batch []batchItem) error {
	texts := make([][]byte, len(batch))
	for n, item := range batch {
		texts[n] = item.text
	}
	id := fmt.Sprintf("%s-%d-%d", d.id, batch[0].index, len(batch))
	v := d.vars.With(expression.Vars{"items": texts, "count": len(batch), "request": map[string]string{"id": id}})
	c, err := d.prepare(v, id)
	if err != nil {
		return deliver.Stop(err)
	}
	text, err := d.Integration.body.Render(v, 2*maxBody)
	if err != nil {
		return deliver.Stop(configurationError("spec.request.body.json", err))
	}
	body := outbound.Bytes(asJSON, text)
	_, err = d.send(ctx, c, &body, v, len(batch))
	return d.stop(err)
}

// stop ends a delivery whose other rows would fail for the same reason: the credentials, or the host.
func (*delivery) stop(err error) error {
	_, answered := errors.AsType[*outbound.StatusError](err)
	switch action.KindOf(err) {
	case action.Unauthenticated, action.Forbidden:
		return deliver.Stop(err)
	case action.NotFound:
		if !answered {
			return deliver.Stop(err)
		}
	default:
	}
	return err
}

func (d *delivery) concurrency() int {
	if l := d.spec.Limits; l != nil {
		return l.Concurrency
	}
	return 1
}

func (d *delivery) respond(result *deliver.Result) (*action.Response, error) {
	if err := result.Err("rows"); err != nil {
		return nil, err
	}
	return &action.Response{Message: fmt.Sprintf("%d rows sent to %s.", result.Sent(), d.definition.Label)}, nil
}
