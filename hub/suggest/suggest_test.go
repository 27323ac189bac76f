package suggest

import "testing"

func TestText(t *testing.T) {
	t.Parallel()
	known := []string{"slack", "slack_app", "sftp", "tray", "twilio", "url"}
	for name, want := range map[string]string{
		"slak": ", did you mean slack?", "SLACK_AP": ", did you mean slack_app?", "twi": ", did you mean twilio?",
		"urll": ", did you mean url?", "sl": "", "": "", "zapier": "",
		"slac": ", did you mean slack or slack_app?",
	} {
		if got := Text(name, known); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
