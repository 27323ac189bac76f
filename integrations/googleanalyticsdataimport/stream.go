package googleanalyticsdataimport

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/google"
)

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

// target identifies a data stream in calls.
type target struct {
	measurementID string
	secret        action.Secret
}

// find looks up a stream's measurement ID and secret, which users need not copy into Looker.
func find(ctx context.Context, c *google.Client, id streamID) (target, error) {
	var s stream
	if err := c.Read(ctx, admin+id.name(), nil, &s); err != nil {
		return target{}, err
	}
	if s.Web.MeasurementID == "" {
		return target{}, action.InvalidField("dataSourceCompositeId", "The data stream is not a web data stream, the only kind "+
			"that can receive rows.")
	}
	var list struct {
		Secrets []struct {
			Value action.Secret `json:"secretValue"`
		} `json:"measurementProtocolSecrets"`
	}
	if err := c.Read(ctx, admin+id.name()+"/measurementProtocolSecrets", nil, &list); err != nil {
		return target{}, err
	}
	if len(list.Secrets) == 0 {
		return target{}, action.Errorf(action.Invalid, "The data stream has no Measurement Protocol API secret. Create one in "+
			"Google Analytics: "+
			"Admin, Data streams, the stream, Measurement Protocol API secrets.")
	}
	return target{s.Web.MeasurementID, list.Secrets[0].Value}, nil
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
