package signin

import (
	"encoding/json"

	"integrationhub.dev/hub/action"
)

// Keep encodes a value as the JSON that Looker stores for the user. The value must hold only what
// [json.Marshal] can always encode, such as strings.
func Keep(v any) *action.State {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return &action.State{Data: string(data)}
}

// Kept decodes what [Keep] encoded. State that cannot be decoded counts as none.
func Kept[T any](state string) T {
	var v, none T
	if json.Unmarshal([]byte(state), &v) != nil {
		return none
	}
	return v
}

// Forget returns the response to a delivery that failed with err. If the sign-in is not valid any more,
// Looker deletes its state, and the form asks the user to sign in. Otherwise it returns nil.
func Forget(err error) *action.Response {
	if action.KindOf(err) != action.Unauthenticated {
		return nil
	}
	return &action.Response{State: &action.State{Data: action.Reset}}
}
