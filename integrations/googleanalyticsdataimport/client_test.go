package googleanalyticsdataimport_test

import (
	"errors"
	"maps"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	ga "integrationhub.dev/integrations/googleanalyticsdataimport"
)

// withManager are the settings of a hub that offers the Data Manager API.
func withManager() map[string]string {
	all := maps.Clone(env)
	all["GOOGLE_ANALYTICS_DATA_MANAGER"] = "true"
	return all
}

// newManaged makes an integration that offers the Data Manager API.
func newManaged(t *testing.T, d *actiontest.Destination, jobs *followed) action.Resolved {
	t.Helper()
	deps := actiontest.Deps(t, d, withManager())
	deps.StartJob = jobs.start
	i := actiontest.New(t, ga.New, deps)
	ga.Fast(i)
	return action.Resolve(i)
}

const managedDone = " rows sent to Google Analytics 4 as events. Google processes them within hours: check the property's reports."

// The requests of a delivery by the Data Manager API. It needs no secret.
func TestManagerWire(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(analytics("a1", nil))
	jobs := new(followed)
	req := request(map[string]string{
		"google_api": "data_manager", "eventName": "purchase",
		"dataSourceSchema": "client_id,user_id,timestamp,value,currency,transaction_id,coupon,customer_type,items,user_properties.tier",
	})
	res, err := newManaged(t, d, jobs).Execute(t.Context(), csv(t, req, "a,b,c,d,e,f,g,h,i,j\n"+
		"1.1,u1,2026-11-23 11:00:00,9.50,EUR,o1,SALE,new,3,gold\n"+
		"2.2,,,,,,,,,\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := res.Message, "2"+managedDone; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if diff := cmp.Diff([]string{"Google Analytics events for G-300, 1 requests, the first is t-1"}, jobs.names); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	var got []string
	for _, r := range d.Requests() {
		got = append(got, r.Method+" "+r.Host+r.Path+" "+string(r.Body))
	}
	const property = `{"accountType":"GOOGLE_ANALYTICS_PROPERTY","accountId":"20"}`
	if diff := cmp.Diff([]string{
		"GET analyticsadmin.googleapis.com/v1beta/properties/20/dataStreams/300 ",
		"GET analyticsadmin.googleapis.com/v1beta/properties/20 ",
		`POST datamanager.googleapis.com/v1/events:ingest {"destinations":[{"loginAccount":` + property + `,"operatingAccount":` + property +
			`,"productDestinationId":"G-300"}],"encoding":"HEX","events":[{"transactionId":"o1","eventTimestamp":"2026-11-23T11:00:00Z",` +
			`"eventSource":"WEB","eventName":"purchase","clientId":"1.1","userId":"u1","currency":"EUR","conversionValue":9.50,` +
			`"cartData":{"couponCodes":["SALE"]},"additionalEventParameters":[{"parameterName":"items","value":"3"}],` +
			`"userProperties":{"customerType":"NEW","additionalUserProperties":[{"propertyName":"tier","value":"gold"}]}},` +
			`{"eventTimestamp":"2026-11-23T12:00:00Z","eventSource":"WEB","eventName":"purchase","clientId":"2.2"}]}`,
	}, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// Each row is sent or counted as failed with its reason. Google names the events that it does not accept.
func TestManagerRowCounts(t *testing.T) {
	t.Parallel()
	const (
		plain    = "client_id,event_name,value"
		half     = "1 of 2 rows delivered, 1 rejected. "
		reserved = `A row's event_name "session_start" is reserved by Google Analytics, which ignores events with this name.`
		customer = "A row's customer_type is not new, returning or reengaged."
		named    = "2 of 3 rows delivered, 1 rejected. Google does not accept the name of the event."
	)
	for name, tt := range map[string]struct {
		schema, rows, message string
	}{
		"all":             {plain, "1,buy,1\n2,buy,2\n", "2" + managedDone},
		"no rows":         {plain, "", "The result has no rows. Nothing was sent to Google Analytics."},
		"reserved":        {plain, "1,session_start,1\n2,buy,2\n", half + reserved},
		"named by Google": {plain, "1,buy,1\n1,gone_event,2\n1,buy,3\n", named},
		"no number":       {plain, "1,buy,free\n1,buy,2\n", half + "A row's value is not a number."},
		"no customer":     {"client_id,event_name,customer_type", "1,buy,old\n1,buy,Returning\n", half + customer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(analytics("a1", nil))
			req := request(map[string]string{"google_api": "data_manager", "dataSourceSchema": tt.schema})
			res, err := newManaged(t, d, new(followed)).Execute(t.Context(), csv(t, req, "a,b,c\n"+tt.rows))
			message := action.MessageOf(err)
			if err == nil {
				message = res.Message
			}
			if message != tt.message {
				t.Errorf("message %q, want %q", message, tt.message)
			}
		})
	}
}

// Only a hub whose administrator enabled it offers the Data Manager API, and asks for its scope.
func TestManagerIsOffByDefault(t *testing.T) {
	t.Parallel()
	const analyticsScope, managerScope = "https://www.googleapis.com/auth/analytics.edit", "https://www.googleapis.com/auth/datamanager"
	for name, tt := range map[string]struct {
		offered bool
		scope   string
	}{
		"off": {scope: analyticsScope},
		"on":  {offered: true, scope: analyticsScope + " " + managerScope},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(analytics("a1", nil))
			i := newIntegration(t, d)
			if tt.offered {
				i = newManaged(t, d, new(followed))
			}
			address, err := i.OAuth.AuthorizeURL(t.Context(), action.Login{})
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			if got := u.Query().Get("scope"); got != tt.scope {
				t.Errorf("scope %q, want %q", got, tt.scope)
			}
			form, err := i.Form.Form(t.Context(), request(nil))
			if err != nil {
				t.Fatal(err)
			}
			last := form.Fields[len(form.Fields)-1]
			if offered := last.Name == "google_api" && last.Default == "measurement_protocol"; offered != tt.offered {
				t.Errorf("the last field is %+v", last)
			}
			_, err = i.Execute(t.Context(), csv(t, request(map[string]string{"google_api": "data_manager"}), "a,b,c\n1,buy,3\n"))
			if e, ok := errors.AsType[*action.Error](err); (ok && e.Fields["google_api"] != "") == tt.offered {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A sign-in from before the Data Manager API was enabled is repeated, and stays valid for the other API.
func TestManagerSignIn(t *testing.T) {
	t.Parallel()
	const missing = "The sign-in at Google does not include the permission for the Data Manager API. Open the form in Looker and log in again."
	refuse := func(r actiontest.Recorded) actiontest.Reply {
		if r.Host == "datamanager.googleapis.com" {
			const body = `{"error":{"code":403,"message":"no","details":[{"reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}}`
			return actiontest.Reply{Status: 403, Body: body}
		}
		return analytics("a1", nil)(r)
	}
	for api, want := range map[string]string{"measurement_protocol": "dataSourceCompositeId", "data_manager": "login"} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			i := newManaged(t, actiontest.NewDestination(t).Handle(refuse), new(followed))
			form, err := i.Form.Form(t.Context(), request(map[string]string{"google_api": api}))
			if err != nil {
				t.Fatal(err)
			}
			if got := form.Fields[0].Name; got != want {
				t.Errorf("first field %q, want %q", got, want)
			}
			res, err := i.Execute(t.Context(), csv(t, request(map[string]string{"google_api": api}), "a,b,c\n1,buy,3\n"))
			if got := action.MessageOf(err); err != nil && got != missing {
				t.Errorf("message %q", got)
			}
			if (err != nil) != (api == "data_manager") {
				t.Errorf("error %v", err)
			}
			if res == nil || res.State == nil || res.State.Data != kept {
				t.Errorf("response %+v", res)
			}
		})
	}
}
