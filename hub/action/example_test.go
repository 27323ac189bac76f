package action_test

import (
	"context"
	"fmt"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/payload"
)

// Counter is an integration that counts rows instead of sending them.
type Counter struct{}

// The compiler checks what Counter implements. A form is optional.
var (
	_ action.Integration = Counter{}
	_ action.FormBuilder = Counter{}
)

// NewCounter creates the integration. Its registration is {Name: "counter", New: NewCounter}.
func NewCounter(action.Deps) (action.Integration, error) { return Counter{}, nil }

// Definition describes the integration to Looker.
func (Counter) Definition() action.Definition {
	return action.Definition{
		Name: "counter", Label: "Counter", Description: "Count rows.",
		RequiredFields: []action.RequiredField{{Tag: "email"}},
		Types:          []action.Type{action.TypeQuery},
		FormatsFor:     action.RowFormats,
		Download:       action.URL,
		MinVersion:     action.V(5, 5, 0),
	}
}

// Form asks the user for what changes with each delivery.
func (Counter) Form(context.Context, *action.Request) (*action.Form, error) {
	return &action.Form{Fields: []action.Field{{Name: "unit", Label: "Unit", Type: action.String, Required: true}}}, nil
}

// Execute reads one row at a time: a result of any size needs the same memory.
func (Counter) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, err := action.Decode[struct {
		Unit string `form:"unit,required"`
	}](req)
	if err != nil {
		return nil, err
	}
	table, err := req.Data.Table(ctx)
	if err != nil {
		return nil, err
	}
	email, n := table.Tagged("email"), 0
	for row, err := range table.Rows() {
		if err != nil {
			return nil, err // the data broke off
		}
		if row.Cell(email).Text() != "" {
			n++
		}
	}
	return &action.Response{Message: fmt.Sprintf("%d %s", n, in.Unit)}, nil
}

// An integration, from its constructor to a delivery.
func Example() {
	made, err := NewCounter(action.Deps{})
	if err != nil {
		fmt.Println(err)
		return
	}
	counter := action.Resolve(made)
	fmt.Println(counter.Definition.Label, "has a form:", counter.Form != nil, "and a sign-in:", counter.OAuth != nil)

	ctx := context.Background()
	envelope, err := payload.Decode(strings.NewReader(`{"attachment": {"mimetype": "application/json", "data": {
		"fields": {"dimensions": [{"name": "users.email", "tags": ["email"]}]},
		"data": [{"users.email": {"value": "ann@example.com"}}, {"users.email": {"value": null}}, {"users.email": {"value": "bob@example.com"}}]
	}}}`), new(payload.Spool).Share(ctx))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer envelope.Close()
	response, err := counter.Execute(ctx, &action.Request{
		Type: action.TypeQuery, Form: map[string]string{"unit": "people"}, Data: envelope.Data(nil),
	})
	if err != nil {
		fmt.Println(action.MessageOf(err))
		return
	}
	fmt.Println(response.Message)
	// Output:
	// Counter has a form: true and a sign-in: false
	// 2 people
}
