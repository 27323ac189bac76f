package sagemaker

import (
	"fmt"
	"strconv"
	"strings"

	"integrationhub.dev/hub/action"
)

// Task is the form's question for the kind of model.
type Task struct {
	// Field is the name in the form, Parameter that of the hyperparameter.
	Field, Parameter   string
	Label, Description string
	Kinds              []Kind
	// Multiclass is the kind that needs a number of classes.
	Multiclass Kind
	// ClassesField is the number's name in the form, ClassesParameter that of the hyperparameter.
	ClassesField, ClassesParameter string
}

// Kind is a kind of task. Name is its name in the form, which existing schedules have. Sent is the
// value of the hyperparameter, which AWS has renamed for some.
type Kind struct{ Name, Sent string }

func (t Task) classes() Number { return Number{Field: t.ClassesField, Min: 3, Max: 1_000_000} }

func (t Task) fields() []action.Field {
	kind := action.Field{
		Name: t.Field, Label: t.Label, Type: action.Select, Required: true, Default: t.Kinds[0].Name, Description: t.Description,
	}
	for _, k := range t.Kinds {
		kind.Options = append(kind.Options, action.Option{Name: k.Name, Label: k.Name})
	}
	return []action.Field{kind, {
		Name: t.ClassesField, Label: "Number of classes", Type: action.String, Default: "3",
		Description: fmt.Sprintf("The number of classifications. Valid values: 3 to 1000000. Required if %s is %s. Otherwise ignored.",
			strings.ToLower(t.Label), t.Multiclass.Name),
	}}
}

func (t Task) read(form, parameters map[string]string) error {
	for _, k := range t.Kinds {
		if k.Name == form[t.Field] {
			parameters[t.Parameter] = k.Sent
		}
	}
	switch parameters[t.Parameter] {
	case "":
		return action.InvalidField(t.Field, "Choose the %s.", strings.ToLower(t.Label))
	case t.Multiclass.Sent:
		n, err := t.classes().Read(form)
		if err != nil {
			return err
		}
		parameters[t.ClassesParameter] = strconv.Itoa(n)
	}
	return nil
}

// Rounds is the form's question for the number of passes over the data.
type Rounds struct {
	// Field is the name in the form, Parameter that of the hyperparameter.
	Field, Parameter string
	Label            string
	Default          int
}

func (r Rounds) field() action.Field {
	return action.Field{
		Name: r.Field, Label: r.Label, Type: action.String, Default: strconv.Itoa(r.Default),
		Description: "The number of rounds to run. Valid values: 1 to 1000000.",
	}
}

func (r Rounds) read(form, parameters map[string]string) error {
	n, err := Number{Field: r.Field, Min: 1, Max: 1_000_000, Default: r.Default}.Read(form)
	if err != nil {
		return err
	}
	parameters[r.Parameter] = strconv.Itoa(n)
	return nil
}
