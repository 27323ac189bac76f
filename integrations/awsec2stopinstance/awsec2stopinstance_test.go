package awsec2stopinstance_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/awsec2stopinstance"
)

func id(n int) string { return fmt.Sprintf("i-%017x", n) }

func ids(from, to int) []string {
	var all []string
	for n := from; n <= to; n++ {
		all = append(all, id(n))
	}
	return all
}

func params(change map[string]string) map[string]string {
	all := map[string]string{"access_key_id": accessKey + "\n", "secret_access_key": " " + secretKey, "region": "eu-west-1"}
	maps.Copy(all, change)
	return all
}

func query(t *testing.T, values ...string) *action.Request {
	t.Helper()
	var rows []string
	for _, v := range values {
		rows = append(rows, fmt.Sprintf(`{"i.id":{"value":%q}}`, v))
	}
	return actiontest.JSONDetail(t, actiontest.Query(params(nil), nil),
		`{"fields":{"dimensions":[{"name":"i.id","tags":["aws_resource_id"]}]},"data":[`+strings.Join(rows, ",")+`]}`)
}

func cell(value string, change map[string]string) *action.Request {
	req := actiontest.Query(params(change), nil)
	req.Params["value"] = value
	req.Type = action.TypeCell
	return req
}

func message(res *action.Response, err error) string {
	if err != nil {
		return action.MessageOf(err)
	}
	return res.Message
}

func TestCell(t *testing.T) {
	t.Parallel()
	f := &fake{}
	got := message(f.start(t).Execute(t.Context(), cell(" i-0123abcd ", map[string]string{"region": "AP-South-1"})))
	if got != "1 instances are stopping." {
		t.Errorf("message %q", got)
	}
	if diff := cmp.Diff([][]string{{"i-0123abcd"}}, f.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// Each instance is stopped once. One that cannot be stopped does not affect the others.
func TestQuery(t *testing.T) {
	t.Parallel()
	const gone = "InvalidInstanceID.NotFound"
	for name, tt := range map[string]struct {
		fake    fake
		values  []string
		calls   [][]string
		message string
		stopped int
	}{
		"no rows":            {fake{}, nil, nil, "0 instances are stopping.", 0},
		"several, one twice": {fake{}, []string{id(1), id(2), id(1)}, [][]string{{id(1), id(2)}}, "2 instances are stopping.", 2},
		"more than one call": {fake{}, ids(1, 201), [][]string{ids(1, 100), ids(101, 200), ids(201, 201)}, "201 instances are stopping.", 201},
		"one that is gone": {
			fake{bad: map[string]string{id(2): gone}},
			ids(1, 3),
			[][]string{ids(1, 3), {id(1)}, {id(2)}, {id(3)}},
			"2 of 3 stop orders delivered, 1 rejected. Instance " + id(2) + ": The instance '" + id(2) + "' will not stop (InvalidInstanceID.NotFound).", 2,
		},
		"all gone": {
			fake{bad: map[string]string{id(1): gone}},
			ids(1, 1),
			[][]string{ids(1, 1)},
			"Instance " + id(1) + ": The instance '" + id(1) + "' will not stop (InvalidInstanceID.NotFound).", 0,
		},
		"one without permission": {
			fake{bad: map[string]string{id(2): "UnauthorizedOperation"}},
			ids(1, 2),
			[][]string{ids(1, 2), {id(1)}, {id(2)}},
			"1 of 2 stop orders delivered, 1 failed. Instance " + id(2) + ": the access key lacks ec2:StopInstances.", 1,
		},
		"one not confirmed": {
			fake{forgets: id(2)},
			ids(1, 2),
			[][]string{ids(1, 2)},
			"1 of 2 stop orders delivered, 1 failed. Amazon EC2 did not confirm that every instance is stopping.", 2,
		},
		"invalid member": {
			fake{},
			[]string{id(1), "", "i-1&Force=true", "vol-0123abcd"},
			nil,
			"3 of 4 rows have no valid instance ID in the field tagged aws_resource_id. Nothing was done.", 0,
		},
		"keys rejected after the first call": {
			fake{fail: func(nth int) *actiontest.Reply {
				if nth == 1 {
					return nil
				}
				reply := refusal(401, "AuthFailure", "No.")
				return &reply
			}},
			ids(1, 300),
			[][]string{ids(1, 100), ids(101, 200)},
			"100 of 300 stop orders delivered, 200 failed. Amazon EC2 does not accept the access key with this secret key. Check both in the action's settings in Looker. The remaining instances were not stopped.", 100,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := tt.fake
			got := message(f.start(t).Execute(t.Context(), query(t, tt.values...)))
			if got != tt.message {
				t.Errorf("message %q, want %q", got, tt.message)
			}
			if diff := cmp.Diff(tt.calls, f.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if len(f.stopped) != tt.stopped {
				t.Errorf("%d instances were stopped, want %d", len(f.stopped), tt.stopped)
			}
		})
	}
}

func TestFails(t *testing.T) {
	t.Parallel()
	wrongKeys := "Amazon EC2 does not accept the access key with this secret key. Check both in the action's settings in Looker."
	wrongSecret := "Amazon EC2 rejected the request's signature. Check the secret key in the action's settings in Looker."
	always := func(r actiontest.Reply) func(int) *actiontest.Reply {
		return func(int) *actiontest.Reply { return &r }
	}
	for name, tt := range map[string]struct {
		fail    func(int) *actiontest.Reply
		params  map[string]string
		kind    action.Kind
		message string
		calls   int
	}{
		"a wrong access key": {nil, map[string]string{"access_key_id": "AKIAOTHER"}, action.Unauthenticated, wrongKeys, 1},
		"a wrong secret key": {nil, map[string]string{"secret_access_key": "other"}, action.Unauthenticated, wrongSecret, 1},
		"its rate":           {always(refusal(503, "RequestLimitExceeded", secretKey)), nil, action.RateLimited, "AWS is throttling requests. Try again later.", 5},
		"unavailable":        {always(refusal(500, "InternalError", secretKey)), nil, action.Unavailable, "Amazon EC2 returned 500 InternalError.", 5},
		"a reset":            {always(actiontest.Reply{Reset: true}), nil, action.Unavailable, "The connection to Amazon EC2 failed.", 5},
		"leads away":         {always(actiontest.Reply{Status: 302, Header: map[string]string{"Location": "https://example.com/"}}), nil, action.Unavailable, "Unexpected response from Amazon EC2.", 1},
		"no XML":             {always(actiontest.Reply{Body: "<html>"}), nil, action.Unavailable, "Unexpected response from Amazon EC2.", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{fail: tt.fail}
			_, err := f.start(t).Execute(t.Context(), cell(id(1), tt.params))
			if err == nil {
				t.Fatal("no error")
			}
			if got, want := action.KindOf(err), tt.kind; got != want {
				t.Errorf("kind %v, want %v", got, want)
			}
			if got, want := action.MessageOf(err), tt.message; got != want {
				t.Errorf("error %q, want %q", got, want)
			}
			if got, want := len(f.calls), tt.calls; got != want {
				t.Errorf("%d calls, want %d", got, want)
			}
			if err != nil && (strings.Contains(err.Error(), secretKey) || strings.Contains(err.Error(), accessKey)) {
				t.Errorf("the error tells too much: %v", err)
			}
		})
	}
}

// A call that fails temporarily is retried.
func TestTriedAgain(t *testing.T) {
	t.Parallel()
	f := &fake{fail: func(nth int) *actiontest.Reply {
		if nth > 1 {
			return nil
		}
		return &actiontest.Reply{Reset: true}
	}}
	got := message(f.start(t).Execute(t.Context(), query(t, ids(1, 2)...)))
	if got != "2 instances are stopping." || len(f.calls) != 2 {
		t.Errorf("message %q after %d calls", got, len(f.calls))
	}
}

func TestInvalidInput(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		req     *action.Request
		message string
	}{
		"no value":         {cell("", nil), "Couldn't get data from cell."},
		"no data":          {actiontest.Query(params(nil), nil), "Couldn't get data from attachment."},
		"no access key":    {cell(id(1), map[string]string{"access_key_id": ""}), `"access_key_id" is required.`},
		"invalid region":   {cell(id(1), map[string]string{"region": "x.example.com/"}), `"region" must be the name of an AWS region such as us-east-1: letters, digits and hyphens.`},
		"another resource": {cell("vol-0123abcd", nil), "The cell's value is not a valid instance ID. Nothing was done."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{}
			_, err := f.start(t).Execute(t.Context(), tt.req)
			if got, want := action.MessageOf(err), tt.message; got != want {
				t.Errorf("error %q, want %q", got, want)
			}
			if got, want := action.KindOf(err), action.Invalid; got != want {
				t.Errorf("kind %v, want %v", got, want)
			}
			if got, want := len(f.calls), 0; got != want {
				t.Errorf("%d calls, want %d", got, want)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := actiontest.New(t, awsec2stopinstance.New, action.Deps{HTTP: actiontest.Late()})
		start := time.Now()
		_, err := i.Execute(t.Context(), cell(id(1), nil))
		took := time.Since(start)
		if got, want := action.MessageOf(err), "Amazon EC2 did not respond in time."; got != want {
			t.Errorf("error %q, want %q", got, want)
		}
		if got, want := action.KindOf(err), action.Timeout; got != want {
			t.Errorf("kind %v, want %v", got, want)
		}
		if got, want := took, 2*time.Minute; got != want {
			t.Errorf("it took %v, want %v", got, want)
		}
	})
}

func TestTruncatedSource(t *testing.T) {
	t.Parallel()
	f := &fake{}
	i := f.start(t)
	req := actiontest.Download(t, actiontest.Query(params(nil), nil),
		actiontest.BrokenDownload(`{"fields":{"dimensions":[{"name":"i","tags":["aws_resource_id"]}]},"data":[{"i":{"value":"`+id(1)+`"}},`))
	_, err := i.Execute(t.Context(), req)
	if got, want := action.MessageOf(err), "The download from Looker ended before the data was complete."; got != want || len(f.calls) != 0 {
		t.Errorf("message %q, want %q; %d calls", got, want, len(f.calls))
	}
}
