// Package googleadsconversions sends the rows of a query's result to a conversion action of Google Ads, as
// offline conversions and enhanced conversions for leads.
package googleadsconversions

import (
	"context"
	"fmt"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/googleadsconversions/conversion"
	"integrationhub.dev/integrations/internal/google"
	"integrationhub.dev/integrations/internal/google/datamanager"
	"integrationhub.dev/integrations/internal/rowlog"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
	_ action.Authorizer  = (*Integration)(nil)
)

// settings are the hub's: the OAuth client that google_ads_customer_match uses too.
type settings struct {
	ClientID     string        `env:"GOOGLE_ADS_CLIENT_ID,required,notEmpty"`
	ClientSecret action.Secret `env:"GOOGLE_ADS_CLIENT_SECRET,required,notEmpty"`
}

// Integration sends conversions. The service implements the sign-in.
type Integration struct {
	*google.Service
	startJob action.StartJob
	now      func() time.Time
	rowLog   *rowlog.Log
}

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	rowLog, err := rowlog.New(deps, "google_ads_conversions")
	if err != nil {
		return nil, err
	}
	credentials := google.Credentials{ID: s.ClientID, Secret: s.ClientSecret}
	service := google.NewService("Google Ads", credentials, []string{datamanager.Scope}, deps)
	return &Integration{service, deps.StartJob, time.Now, rowLog}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "google_ads_conversions", Label: "Google Ads Conversions",
		Description:    "Send offline conversions and enhanced conversions for leads to Google Ads.",
		RequiredFields: []action.RequiredField{{Tag: conversion.TagTime}, {AnyTag: conversion.IdentifierTags}},
		Types:          []action.Type{action.TypeQuery},
		FormatsFor:     action.RowFormats,
		Formattings:    []action.Formatting{action.Unformatted},
		VisFormattings: []action.VisFormatting{action.NoApply},
		Download:       action.URL,
		MinVersion:     action.V(5, 5, 0),
	}
}

// Execute implements [action.Integration]. Refreshed tokens go back to Looker even if the delivery
// fails.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	c := i.Open(req.State)
	if !c.SignedIn() {
		err := i.SignIn.Required()
		return i.Forget(err), err
	}
	message, err := i.deliver(ctx, c, in, req)
	if err != nil && action.KindOf(err) == action.Unauthenticated {
		return i.Forget(err), err
	}
	return &action.Response{Message: message, State: c.State()}, err
}

func (i *Integration) deliver(ctx context.Context, c *google.Client, in input, req *action.Request) (string, error) {
	if req.Data.Empty() {
		return "", action.Errorf(action.Invalid, "The request came without data.")
	}
	table, err := req.Data.Table(ctx)
	if err != nil {
		return "", err
	}
	if _, err := conversion.NewReader(table, in.options(i.now())); err != nil { // before the delivery begins
		return "", err
	}
	delivery, err := i.rowLog.Begin(ctx, req, table, nil)
	if err != nil {
		return "", err
	}
	reader, err := conversion.NewReader(delivery.Table, in.options(i.now()))
	if err != nil {
		return "", err
	}
	events := sender(c, in)
	events.Outcome = delivery.Outcome
	result := events.Send(ctx, reader.Events())
	if err := events.Follow(ctx, i.startJob, "Google Ads conversion action "+string(in.Action)); err != nil {
		i.Log.WarnContext(ctx, "requests are not followed", "error", err)
	}
	note := delivery.Store(ctx, "rows")
	if err := result.Err("rows"); err != nil {
		return "", rowlog.WithNote(action.Wrap(err, action.KindOf(err), "%s%s", action.MessageOf(err), reader.LeftOut()), note)
	}
	if result.Sent() == 0 && note == "" {
		return "The result has no rows. Nothing was sent to Google Ads.", nil
	}
	text := fmt.Sprintf("%d conversions sent to Google Ads, which processes them within a day. It reports conversions that it cannot "+
		"use in the diagnostics of the conversion action.%s", result.Sent(), reader.LeftOut())
	return strings.TrimSpace(text + " " + note), nil
}
