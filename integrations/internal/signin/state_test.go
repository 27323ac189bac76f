package signin_test

import (
	"errors"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/signin"
)

func TestKeep(t *testing.T) {
	t.Parallel()
	tokens := signin.Tokens{Access: "a", Refresh: "r"}
	if got := signin.Kept[signin.Tokens](signin.Keep(tokens).Data); got != tokens {
		t.Errorf("tokens %v, want %v", got, tokens)
	}
}

func TestKeptWithoutState(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]string{
		"empty": "", "null": "null", "not JSON": "reset", "another type": `{"access_token":{}}`, "half valid": `{"access_token":"a","refresh_token":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := signin.Kept[signin.Tokens](state); got != (signin.Tokens{}) {
				t.Errorf("tokens %v, want none", got)
			}
		})
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	if res := signin.Forget(action.Errorf(action.Unauthenticated, "Log in again.")); res == nil || res.State.Data != action.Reset {
		t.Errorf("response %+v, want one that resets the state", res)
	}
	for name, err := range map[string]error{
		"no error": nil, "forbidden": action.Errorf(action.Forbidden, "Not allowed."), "other error": errors.New("failed"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if res := signin.Forget(err); res != nil {
				t.Errorf("response %+v, want nil", res)
			}
		})
	}
}
