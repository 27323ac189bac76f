// Package googleanalyticsdataimport sends the rows of a query's result to Google Analytics 4
// as events.
//
// Its name is that of an upload to Universal Analytics, which Google has shut down. Schedules from
// that time fail with a message that says so.
package googleanalyticsdataimport

import (
	"context"
	"fmt"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/googleanalyticsdataimport/schema"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/google"
	"integrationhub.dev/integrations/internal/google/datamanager"
	"integrationhub.dev/integrations/internal/rowlog"
	"integrationhub.dev/integrations/internal/rows"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
	_ action.Authorizer  = (*Integration)(nil)
)

// settings are the hub's.
type settings struct {
	ClientID     string        `env:"GOOGLE_ANALYTICS_CLIENT_ID,required,notEmpty"`
	ClientSecret action.Secret `env:"GOOGLE_ANALYTICS_CLIENT_SECRET,required,notEmpty"`
	// DataManager offers the Data Manager API. Its scope must be one of the OAuth client's, so that it is not
	// asked for without the administrator.
	DataManager bool `env:"GOOGLE_ANALYTICS_DATA_MANAGER"`
}

// Integration sends events. The service implements the sign-in.
type Integration struct {
	*google.Service
	settings settings
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
	rowLog, err := rowlog.New(deps, "google_analytics_data_import")
	if err != nil {
		return nil, err
	}
	credentials := google.Credentials{ID: s.ClientID, Secret: s.ClientSecret}
	scopes := []string{google.ScopeAnalytics}
	if s.DataManager {
		scopes = append(scopes, datamanager.Scope)
	}
	return &Integration{google.NewService(name, credentials, scopes, deps), s, deps.StartJob, time.Now, rowLog}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return rows.Definition(action.Definition{
		Name: "google_analytics_data_import", Label: "Google Analytics Data Import", Description: "Upload data to a custom Data " +
			"Set in Google Analytics.",
		Formats:    []action.Format{action.CSV},
		Download:   action.URL,
		MinVersion: action.V(5, 5, 0),
	})
}

// input is what the Looker user answered.
type input struct {
	Stream streamID `form:"dataSourceCompositeId"`
	Schema string   `form:"dataSourceSchema"`
	Event  string   `form:"eventName"`
	API    api      `form:"google_api"`
}

// api is what events are sent by. The empty one is measurementProtocol.
type api string

const (
	measurementProtocol api = "measurement_protocol"
	dataManager         api = "data_manager"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (a *api) UnmarshalText(text []byte) error {
	return choice.Parse(a, string(text), measurementProtocol, dataManager)
}

// Validate checks the answers, with the reference's messages.
func (in *input) Validate() error {
	const prefix = "Error during data upload step: MissingRequiredParamsError: "
	switch {
	case in.Stream == streamID{}:
		return action.InvalidField("dataSourceCompositeId", "%sDid not receive required form param 'dataSourceCompositeId'", prefix)
	case in.Schema == "":
		return action.InvalidField("dataSourceSchema", "%sDid not receive required form param 'dataSourceSchema'", prefix)
	case in.Stream.universal:
		return action.InvalidField("dataSourceCompositeId", "%s", shutDown)
	}
	return nil
}

const shutDown = "Nothing was sent: this schedule uploads to a Data Set of Universal Analytics, which Google shut down in July 2024. " +
	"For Google Analytics 4, open the form in Looker, choose a data stream, and name the columns."

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
	message, err := i.deliver(ctx, c, in, req.Data)
	if err != nil && action.KindOf(err) == action.Unauthenticated {
		return i.Forget(err), err
	}
	return &action.Response{Message: message, State: c.State()}, err
}

// maxBytes is the maximum size of a result.
const maxBytes = 2 << 30

// deliver sends events. They cannot be deleted, so all data is downloaded and checked first.
func (i *Integration) deliver(ctx context.Context, c *google.Client, in input, data action.Data) (string, error) {
	s, err := schema.Parse(in.Schema, in.Event)
	if err != nil {
		return "", err
	}
	if in.API == dataManager && !i.settings.DataManager {
		return "", action.InvalidField("google_api", "This hub does not offer the Data Manager API. Choose the Measurement Protocol, or ask "+
			"the hub's administrator to set GOOGLE_ANALYTICS_DATA_MANAGER.")
	}
	if data.Empty() {
		return "", action.Errorf(action.Invalid, "The request came without data.")
	}
	client, err := i.client(ctx, c, in)
	if err != nil {
		return "", err
	}
	maxValue, err := findMaxValue(ctx, c, in.Stream)
	if err != nil {
		return "", err
	}
	blob, err := data.Spool(ctx, maxBytes)
	if err != nil {
		return "", err
	}
	defer blob.Close()
	r := &result{blob: blob, schema: s, now: i.now(), maxValue: maxValue, rowLog: i.rowLog}
	rows, delivered, err := client.deliver(ctx, r)
	if err != nil {
		return "", err
	}
	if rows == 0 {
		return "The result has no rows. Nothing was sent to Google Analytics.", nil
	}
	note := r.kept.Store(ctx, "rows")
	if err := delivered.Err("rows"); err != nil {
		if left := rows - delivered.Sent() - delivered.Failed(); left > 0 {
			err = action.Wrap(err, action.KindOf(err), "%s The remaining %d rows were not sent.", action.MessageOf(err), left)
		}
		return "", rowlog.WithNote(err, note)
	}
	return fmt.Sprintf("%d rows sent to Google Analytics 4 as events. %s", delivered.Sent(), client.note()), nil
}

// client sends events by one of the APIs.
type client interface {
	// deliver sends the events of a result, and returns the number of its rows.
	deliver(ctx context.Context, r *result) (rows int, delivered *deliver.Result, err error)
	// note says, in a sentence, what a success does not mean.
	note() string
}

// client finds what the chosen API needs.
func (i *Integration) client(ctx context.Context, c *google.Client, in input) (client, error) {
	id, err := findMeasurementID(ctx, c, in.Stream)
	if err != nil {
		return nil, err
	}
	if in.API == dataManager {
		return i.newManager(c, in.Stream, id), nil
	}
	secret, err := findSecret(ctx, c, in.Stream)
	if err != nil {
		return nil, err
	}
	return &protocol{http: i.HTTP, measurementID: id, secret: secret, reads: i.Reads}, nil
}
