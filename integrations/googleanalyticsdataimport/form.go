package googleanalyticsdataimport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/panics"
	"integrationhub.dev/integrations/internal/google"
	"integrationhub.dev/integrations/internal/google/datamanager"
)

// Form implements [action.FormBuilder]. Only a sign-in that is not valid, or lacks the permission for the
// chosen API, asks for a new one. Any other error is returned as it is.
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	c := i.Open(req.State)
	if !c.SignedIn() {
		return google.LoginForm(req, ""), nil
	}
	streams, err := allStreams(ctx, c)
	if err == nil && i.settings.DataManager && req.Form["google_api"] == string(dataManager) {
		err = datamanager.New(c).CheckSignIn(ctx)
	}
	if err != nil && (action.KindOf(err) == action.Unauthenticated || datamanager.IsMissingScope(err)) {
		return google.LoginForm(req, action.MessageOf(err)+" "), nil
	}
	if err != nil {
		return nil, err
	}
	all := fields(req.Form, streams)
	if i.settings.DataManager {
		all = append(all, apiField(req.Form))
	}
	return &action.Form{Fields: all, State: c.State()}, nil
}

// apiField asks for the API. Without an answer it is the one of schedules from before there was a choice.
func apiField(answers map[string]string) action.Field {
	return action.Field{
		Name: "google_api", Label: "Google API", Type: action.Select, Interactive: true,
		Default: cmp.Or(answers["google_api"], string(measurementProtocol)),
		Options: []action.Option{
			{Name: string(measurementProtocol), Label: "Measurement Protocol"},
			{Name: string(dataManager), Label: "Data Manager API"},
		},
		Description: "The Measurement Protocol accepts everything and drops invalid events silently. The Data Manager API names " +
			"them, and needs no secret.",
	}
}

// formConcurrency is the maximum number of concurrent calls of a form.
const formConcurrency = 8

// allStreams lists the streams that the user can send to, without properties that the user may only
// view.
func allStreams(ctx context.Context, c *google.Client) ([]action.Option, error) {
	all, err := properties(ctx, c)
	if err != nil {
		return nil, err
	}
	found := make([][]action.Option, len(all))
	g, ctx := panics.WithContext(ctx)
	g.SetLimit(formConcurrency)
	for n, p := range all {
		g.Run(func() error {
			var err error
			if found[n], err = webStreams(ctx, c, p); err != nil && action.KindOf(err) == action.Forbidden {
				return nil
			}
			return err
		})
	}
	err = g.Wait()
	options := slices.Concat(found...)
	slices.SortStableFunc(options, func(a, b action.Option) int { return cmp.Compare(a.Label, b.Label) })
	return options, err
}

func fields(answers map[string]string, streams []action.Option) []action.Field {
	where := action.Field{
		Name: "dataSourceCompositeId", Label: "Data Stream", Type: action.Select, Required: true, Options: streams,
		Default: answers["dataSourceCompositeId"],
		Description: "The Google Analytics 4 data stream that gets the rows as events. " +
			"Universal Analytics Data Sets are no longer available: Google shut it down in July 2024.",
	}
	if len(streams) == 0 {
		where.Description = "The user cannot edit any Google Analytics 4 web data stream. " + where.Description
	}
	return []action.Field{
		where,
		{
			Name: "dataSourceSchema", Label: "Names of the Columns", Type: action.String, Required: true, Default: answers["dataSourceSchema"],
			Description: "One name for each column of the query, in order, separated by commas. client_id is required. user_id, event_name, " +
				"timestamp and user_properties.<name> are reserved. Every other name is an event parameter. A column without a name is not sent. " +
				"For example: client_id,event_name,value,currency",
		},
		{
			Name: "eventName", Label: "Event Name", Type: action.String, Default: answers["eventName"],
			Description: "The name of the events, unless a column is called event_name.",
		},
	}
}

// admin is the Admin API for accounts, properties and streams:
// https://developers.google.com/analytics/devguides/config/admin/v1/rest
const admin = "https://analyticsadmin.googleapis.com/v1beta/"

// streamID identifies a data stream in the reference's format for Data Sets:
// account::property::stream. A Data Set's property begins with UA-.
type streamID struct {
	account, property, stream string
	universal                 bool
}

var (
	streamForm    = regexp.MustCompile(`^([0-9]+)::([0-9]+)::([0-9]+)$`)
	universalForm = regexp.MustCompile(`^[^:]*::UA-[^:]*::.*$`)
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *streamID) UnmarshalText(text []byte) error {
	if universalForm.Match(text) {
		s.universal = true
		return nil
	}
	m := streamForm.FindSubmatch(text)
	if m == nil {
		return errors.New("must be a data stream from the form's list")
	}
	s.account, s.property, s.stream = string(m[1]), string(m[2]), string(m[3])
	return nil
}

func (s streamID) String() string { return s.account + "::" + s.property + "::" + s.stream }

// name is the stream's resource name.
func (s streamID) name() string { return "properties/" + s.property + "/dataStreams/" + s.stream }

// findMeasurementID looks up a stream's measurement ID, which users need not copy into Looker.
func findMeasurementID(ctx context.Context, c *google.Client, id streamID) (string, error) {
	var s stream
	if err := c.Read(ctx, admin+id.name(), nil, &s); err != nil {
		return "", err
	}
	if s.Web.MeasurementID == "" {
		return "", action.InvalidField("dataSourceCompositeId", "The data stream is not a web data stream, the only kind "+
			"that can receive rows.")
	}
	return s.Web.MeasurementID, nil
}

// findSecret looks up a stream's secret for the Measurement Protocol.
func findSecret(ctx context.Context, c *google.Client, id streamID) (action.Secret, error) {
	var list struct {
		Secrets []struct {
			Value action.Secret `json:"secretValue"`
		} `json:"measurementProtocolSecrets"`
	}
	if err := c.Read(ctx, admin+id.name()+"/measurementProtocolSecrets", nil, &list); err != nil {
		return "", err
	}
	if len(list.Secrets) == 0 {
		return "", action.Errorf(action.Invalid, "The data stream has no Measurement Protocol API secret. Create one in "+
			"Google Analytics: Admin, Data streams, the stream, Measurement Protocol API secrets.")
	}
	return list.Secrets[0].Value, nil
}

// findMaxValue looks up the maximum number of characters of an event parameter, which Google raises for
// properties of Google Analytics 360:
// https://developers.google.com/analytics/devguides/collection/protocol/ga4/sending-events#limitations
func findMaxValue(ctx context.Context, c *google.Client, id streamID) (int, error) {
	var property struct {
		Level string `json:"serviceLevel"`
	}
	err := c.Read(ctx, admin+"properties/"+id.property, nil, &property)
	if property.Level == "GOOGLE_ANALYTICS_360" {
		return 500, err
	}
	return 100, err
}

// stream is a data stream.
type stream struct {
	Name  string `json:"name"`
	Label string `json:"displayName"`
	Web   struct {
		MeasurementID string `json:"measurementId"`
	} `json:"webStreamData"`
}

// property is a property of an account.
type property struct {
	account, id string
	label       string
}

// properties lists the properties of all accounts of the user.
func properties(ctx context.Context, c *google.Client) ([]property, error) {
	var all []property
	err := pages(ctx, c, "accountSummaries", func(page *summaries) {
		for _, a := range page.Accounts {
			for _, p := range a.Properties {
				all = append(all, property{lastPart(a.Name), lastPart(p.Name), a.Label + " >> " + p.Label})
			}
		}
	})
	return all, err
}

type summaries struct {
	Accounts []struct {
		Name       string `json:"account"`
		Label      string `json:"displayName"`
		Properties []struct {
			Name  string `json:"property"`
			Label string `json:"displayName"`
		} `json:"propertySummaries"`
	} `json:"accountSummaries"`
	next
}

// webStreams lists a property's web data streams.
func webStreams(ctx context.Context, c *google.Client, p property) ([]action.Option, error) {
	var all []action.Option
	err := pages(ctx, c, "properties/"+url.PathEscape(p.id)+"/dataStreams", func(page *streams) {
		for _, s := range page.Streams {
			if s.Web.MeasurementID != "" {
				id := streamID{account: p.account, property: p.id, stream: lastPart(s.Name)}
				all = append(all, action.Option{Name: id.String(), Label: fmt.Sprintf("%s >> %s (%s)", p.label, s.Label, s.Web.MeasurementID)})
			}
		}
	})
	return all, err
}

type streams struct {
	Streams []stream `json:"dataStreams"`
	next
}

// next is the next page of a list.
type next struct {
	Token string `json:"nextPageToken"`
}

func (n next) token() string { return n.Token }

// pages reads all pages of a list. The form's timeout bounds it.
func pages[P any, T interface {
	*P
	token() string
}](ctx context.Context, c *google.Client, path string, f func(T)) error {
	query := url.Values{"pageSize": {"200"}}
	for {
		page := T(new(P))
		if err := c.Read(ctx, admin+path, query, page); err != nil {
			return err
		}
		f(page)
		if page.token() == "" {
			return nil
		}
		query.Set("pageToken", page.token())
	}
}

func lastPart(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
