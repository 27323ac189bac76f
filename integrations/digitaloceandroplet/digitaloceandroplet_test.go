package digitaloceandroplet_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/digitaloceandroplet"
)

const key = "s3cret"

func query(t *testing.T, method string, ids ...string) *action.Request {
	t.Helper()
	var rows []string
	for _, id := range ids {
		rows = append(rows, `{"d.id":{"value":`+id+`}}`)
	}
	return actiontest.JSONDetail(t, actiontest.Query(map[string]string{"digitalocean_api_key": key + "\n"},
		map[string]string{"method": method}),
		`{"fields":{"dimensions":[{"name":"d.id","tags":["digitalocean_droplet_id"]}]},"data":[`+strings.Join(rows, ",")+`]}`)
}

func cell(value string) *action.Request {
	req := actiontest.Query(map[string]string{"digitalocean_api_key": key, "value": value}, nil)
	req.Type = action.TypeCell
	return req
}

// After a rejected key, the remaining droplets are not tried.
func TestWrongKey(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Status: 401, Body: `{"message":"` + key + `"}`})
	i := actiontest.New(t, digitaloceandroplet.New, actiontest.Deps(t, d, nil))
	ids := make([]string, 100)
	for n := range ids {
		ids[n] = fmt.Sprint(n + 1)
	}
	_, err := i.Execute(t.Context(), query(t, "", ids...))
	if got, want := action.KindOf(err), action.Unauthenticated; got != want {
		t.Errorf("kind %v, want %v", got, want)
	}
	if got, want := action.MessageOf(err), "DigitalOcean rejected the API key."; !strings.Contains(got, want) {
		t.Errorf("error %q, want text with %q", got, want)
	}
	if strings.Contains(err.Error(), key) {
		t.Errorf("the error contains %q: %s", key, err.Error())
	}
	if n := len(d.Requests()); n > 40 {
		t.Errorf("%d calls after the key was rejected", n)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := actiontest.New(t, digitaloceandroplet.New, action.Deps{HTTP: actiontest.Late()})
		start := time.Now()
		_, err := i.Execute(t.Context(), cell("7"))
		took := time.Since(start)
		if got, want := action.MessageOf(err), "DigitalOcean did not respond in time."; got != want {
			t.Errorf("error %q, want %q", got, want)
		}
		if got, want := action.KindOf(err), action.Timeout; got != want {
			t.Errorf("kind %v, want %v", got, want)
		}
		if took < 5*time.Minute {
			t.Errorf("it took %v, want at least %v", took, 5*time.Minute)
		}
		if took > 7*time.Minute {
			t.Errorf("it took %v, want at most %v", took, 7*time.Minute)
		}
	})
}

func TestTruncatedSource(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t)
	i := actiontest.New(t, digitaloceandroplet.New, actiontest.Deps(t, d, nil))
	req := actiontest.Download(t, actiontest.Query(map[string]string{"digitalocean_api_key": key}, nil),
		actiontest.BrokenDownload(`{"fields":{"dimensions":[{"name":"d","tags":["digitalocean_droplet_id"]}]},"data":[{"d":{"value":1}},`))
	_, err := i.Execute(t.Context(), req)
	if got, want := action.MessageOf(err), "The download from Looker ended before the data was complete."; got != want || len(d.Requests()) != 0 {
		t.Errorf("message %q, want %q; %d calls", got, want, len(d.Requests()))
	}
}

func TestWithout(t *testing.T) {
	t.Parallel()
	noKey := cell("7")
	delete(noKey.Params, "digitalocean_api_key")
	for name, tt := range map[string]struct {
		req     *action.Request
		message string
	}{
		"a value": {cell(""), "Couldn't get data from attachment."},
		"a key":   {noKey, `"digitalocean_api_key" is required.`},
	} {
		i := actiontest.New(t, digitaloceandroplet.New, actiontest.Deps(t, nil, nil)) // a call would panic
		if _, err := i.Execute(t.Context(), tt.req); action.MessageOf(err) != tt.message || action.KindOf(err) != action.Invalid {
			t.Errorf("without %s: %v, want %q", name, err, tt.message)
		}
	}
}
