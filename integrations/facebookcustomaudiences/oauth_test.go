package facebookcustomaudiences_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
)

// withSystemToken gives a request the administrator's token.
func withSystemToken(req *action.Request) *action.Request {
	req.Params["system_user_token"] = " system-token\n"
	return req
}

// The administrator's token takes the place of a sign-in, even of a valid one.
func TestSystemToken(t *testing.T) {
	t.Parallel()
	mac := hmac.New(sha256.New, []byte("app-secret"))
	mac.Write([]byte("system-token"))
	proof := hex.EncodeToString(mac.Sum(nil))
	for name, state := range map[string]string{"no sign-in": "", "a sign-in": kept} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
				switch {
				case r.Header.Get("Authorization") != "Bearer system-token" || r.Query.Get("appsecret_proof") != proof:
					return failure(190, 0)
				case r.Path == users:
					return received(1, 0)
				}
				return actiontest.Reply{Body: `{"data":[{"name":"Zoo","account_id":"11"}]}`}
			})
			req := withSystemToken(request(nil))
			req.State = state
			res, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, req, emails("a@example.com")))
			if err != nil || res.State != nil {
				t.Errorf("%+v, %v", res, err)
			}
			form, err := newIntegration(t, d).Form.Form(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			if form.State != nil || form.Fields[0].Name != "choose_ad_account" {
				t.Errorf("%+v", form)
			}
		})
	}
}

// Problems of the administrator's token are the administrator's: users are not asked to log in.
func TestSystemTokenFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reply   actiontest.Reply
		kind    action.Kind
		message string
	}{
		"expired": {
			failure(190, 463), action.Unauthenticated,
			"Facebook does not accept the system user token. A Looker administrator must replace it in the action's settings. (Facebook's error 190, 463.)",
		},
		"without the scope": {
			failure(294, 0), action.Forbidden,
			"The system user token lacks the permission ads_management. A Looker administrator must replace it in the action's settings. (Facebook's error 294.)",
		},
		"not for this account": {
			failure(200, 0), action.Forbidden,
			"The system user lacks the permission for this ad account or audience. (Facebook's error 200.)",
		},
		"of another app": {
			failure(100, 0), action.Invalid,
			"Facebook rejected the request, or the ad account or audience does not exist. The system user token must be of the hub's Facebook app. (Facebook's error 100.)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIntegration(t, actiontest.NewDestination(t).Reply(tt.reply))
			req := withSystemToken(actiontest.JSONDetail(t, request(nil), emails("s3cret@example.com")))
			res, err := i.Execute(t.Context(), req)
			if got := action.MessageOf(err); !strings.HasPrefix(got, tt.message) {
				t.Errorf("error %q, want %q", got, tt.message)
			}
			if got := action.KindOf(err); got != tt.kind {
				t.Errorf("kind %v, want %v", got, tt.kind)
			}
			if res != nil {
				t.Errorf("response %+v: the user's sign-in is forgotten", res)
			}
			if strings.Contains(err.Error(), "system-token") {
				t.Errorf("the error tells the token: %v", err)
			}
			form, err := i.Form.Form(t.Context(), req)
			if form != nil || action.MessageOf(err) != tt.message {
				t.Errorf("form %+v, error %v", form, err)
			}
		})
	}
}
