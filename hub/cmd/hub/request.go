package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/cmd/hub/internal/looker"
	"integrationhub.dev/hub/suggest"
)

// requestFlags are what Looker would know when it asks for a form or a delivery.
type requestFlags struct {
	params, fields pairs
	kind           string
}

func newRequestFlags(cmd *cobra.Command) *requestFlags {
	r := &requestFlags{params: pairs{}, fields: pairs{}}
	cmd.Flags().Var(r.params, "param", "a setting of the integration in Looker (repeatable)")
	cmd.Flags().Var(r.fields, "field", "a value of the form (repeatable)")
	cmd.Flags().StringVar(&r.kind, "type", "",
		"the action type: cell, query or dashboard (default: query, if the integration supports it)")
	_ = cmd.RegisterFlagCompletionFunc("type", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"cell", "query", "dashboard"}, cobra.ShellCompDirectiveNoFileComp
	})
	return r
}

// lookerParams are what Looker itself adds to an integration's settings.
var lookerParams = []string{"value", "state_json", "state_url", "state_redir_url", "test"}

// lookerField is what Looker adds to a user's answers: the format of the data.
const lookerField = "format"

// envelope checks the flags against what the integration takes: a name that was mistyped is
// ignored by hubs, and its value would silently be missing.
func (r *requestFlags) envelope(i looker.Integration) (looker.Envelope, error) {
	e := looker.Envelope{Type: r.kind, Params: r.params, Fields: r.fields}
	if e.Type == "" {
		e.Type = defaultType(i.Types)
	} else if !slices.Contains(i.Types, action.Type(e.Type)) {
		return e, usagef("--type %s: %s takes %s", e.Type, i.Name, join(i.Types))
	}
	var known []string
	for _, p := range i.Params {
		known = append(known, p.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(r.params)) {
		if !slices.Contains(known, name) && !slices.Contains(lookerParams, name) {
			return e, unknownName("--param", name, i.Name, "setting", known)
		}
	}
	var missing []string
	for _, p := range i.Params {
		if p.Required && r.params[p.Name] == "" {
			missing = append(missing, fmt.Sprintf("--param %s=… (%s)", p.Name, p.Label))
		}
	}
	if len(missing) > 0 {
		return e, fmt.Errorf("%s needs %s", i.Name, strings.Join(missing, ", "))
	}
	return e, nil
}

func defaultType(types []action.Type) string {
	if len(types) == 0 || slices.Contains(types, action.TypeQuery) {
		return string(action.TypeQuery)
	}
	return string(types[0])
}

// checkFields refuses answers to questions that the form does not ask. Where the form cannot
// be had, the delivery's own failure says more.
func checkFields(ctx context.Context, client *looker.Client, i looker.Integration, e looker.Envelope) error {
	if len(e.Fields) == 0 {
		return nil
	}
	var known []string
	if i.FormURL != nil {
		form, _, err := client.Form(ctx, i.Name, e)
		if _, ok := errors.AsType[*looker.StatusError](err); ok || form.Error != "" {
			return nil
		}
		if err != nil {
			return err
		}
		for _, f := range form.Fields {
			if f.OAuthURL != "" {
				return nil // the user has to sign in before the form asks anything else
			}
			known = append(known, f.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		if !slices.Contains(known, name) && name != lookerField {
			return unknownName("--field", name, i.Name, "form field", known)
		}
	}
	return nil
}

func unknownName(flag, name, integration, noun string, known []string) error {
	hint := suggest.Text(name, known)
	switch {
	case hint != "":
	case len(known) == 0:
		hint = ", nor any other"
	default:
		hint = "; it has " + strings.Join(known, ", ")
	}
	return usagef("%s %s: %s has no %s %s%s", flag, name, integration, noun, name, hint)
}
