package google

import "integrationhub.dev/hub/action"

// LoginForm asks the user to sign in, and clears the stored tokens. why, unless it is empty, is a
// sentence with a space after it.
func LoginForm(req *action.Request, why string) *action.Form {
	return &action.Form{
		Fields: []action.Field{{
			Name: "login", Type: action.OAuthLinkGoogle, Label: "Log in", OAuthURL: req.LoginURL,
			Description: why + "In order to send to this destination, you will need to log in once to your Google account.",
		}},
		State: &action.State{Data: action.Reset},
	}
}
