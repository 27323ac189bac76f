package console

import (
	"cmp"
	"strings"

	"integrationhub.dev/hub/looker"
)

// signInHint says what to do about a form that failed because the hub does not accept the console's
// address for a sign-in, or is empty. Hubs demand https://, except a development hub.
func (s *Session) signInHint(d looker.Definition) string {
	if !d.UsesOAuth || !strings.HasPrefix(s.url, "http:") {
		return ""
	}
	return "Sign-ins need an https:// address of the console: start a development hub with --allow-loopback, or the console with --public-url."
}

// downloadHint says what to do about a delivery that failed because the hub did not fetch its data, or is
// empty.
func downloadHint(d looker.Definition, a looker.Action, r looker.Result, t looker.Transferred) string {
	if r.Success || r.Status == 0 || t.Downloaded > 0 || a.Type == "cell" || way(d, a) != "url" {
		return ""
	}
	return "The hub did not fetch the data from the console. It must be able to reach the console's address: " +
		"start a development hub with --allow-loopback, give the console a --public-url, or send the data by push."
}

// way is push or url.
func way(d looker.Definition, a looker.Action) string {
	if a.Download == "" && len(d.DownloadSettings) == 1 {
		return d.DownloadSettings[0]
	}
	return cmp.Or(a.Download, "push")
}
