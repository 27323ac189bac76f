package integrations_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/telemetry"
)

// echo answers every call with the whole call, where vendors put their reasons.
type echo struct {
	status int
	shape  func(call string) string
	media  string
}

func (e echo) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil {
		req.Body = http.NoBody
	}
	call, err := httputil.DumpRequest(req, true)
	if err != nil {
		return nil, err
	}
	_ = req.Body.Close()
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", e.media)
	w.WriteHeader(e.status)
	_, _ = io.WriteString(w, e.shape(req.URL.String()+" "+string(call)))
	res := w.Result()
	res.Request = req
	return res, nil
}

func quoted(text string) string {
	data, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// shapes are where vendors' answers have their texts.
var shapes = map[string]struct {
	media string
	shape func(call string) string
}{
	"text": {"text/plain", func(call string) string { return call }},
	"objects": {"application/json", func(call string) string {
		q := quoted(call)
		return fmt.Sprintf(`{"message":%[1]s,"Message":%[1]s,"detail":%[1]s,"error_summary":%[1]s,"error":{"message":%[1]s,"status":%[1]s,"type":%[1]s,"error_user_msg":%[1]s,"code":190},`+
			`"errors":[{"message":%[1]s,"detail":%[1]s,"field":%[1]s,"code":"1"}],"errorMessages":[%[1]s],"code":1}`, q)
	}},
	"texts": {"application/json", func(call string) string {
		q := quoted(call)
		return fmt.Sprintf(`{"ok":false,"success":false,"message":%[1]s,"error":%[1]s,"error_description":%[1]s,"errors":[%[1]s],"errorMessages":[%[1]s],`+
			`"requestId":%[1]s,"result":[{"status":"skipped","reasons":[{"code":"1","message":%[1]s}]}]}`, q)
	}},
	"list": {"application/json", func(call string) string {
		q := quoted(call)
		return fmt.Sprintf(`[{"errorCode":%[1]s,"message":%[1]s,"error":{"message":%[1]s}}]`, q)
	}},
	"XML": {"application/xml", func(call string) string {
		var b bytes.Buffer
		if err := xml.EscapeText(&b, []byte(call)); err != nil {
			panic(err)
		}
		return "<Error><Code>" + b.String() + "</Code><Message>" + b.String() + "</Message></Error>"
	}},
}

var marks = regexp.MustCompile(`SEKRET[A-Za-z0-9]*x7Q9|(a7){16}`)

// A destination that repeats what it was sent shows none of the request's secrets to Looker's
// users, and none to the readers of the log.
func TestSecretsDoNotComeBack(t *testing.T) {
	t.Parallel()
	statuses := []int{http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusConflict, http.StatusInternalServerError}
	for name, s := range shapes {
		for _, status := range statuses {
			t.Run(fmt.Sprint(name, " ", status), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var log bytes.Buffer
					logger := telemetry.NewLogger(&log, config.Config{LogLevel: slog.LevelDebug, LogFormat: "json"})
					h := newHubWith(t, logger, secretSettings(), outbound.NewTransport(echo{status, s.shape, s.media}, nil))
					for name, r := range requests(t) {
						for _, what := range []string{"execute", "form"} {
							log.Reset()
							code, text := ask(t, h, "24.20.41", "/actions/"+name+"/"+what, r.body())
							if found := marks.FindString(withoutState(text)); found != "" {
								t.Errorf("%s's %s answers %d with %s: %s", name, what, code, found, text)
							}
							if found := marks.FindString(log.String()); found != "" {
								t.Errorf("%s's %s logs %s: %s", name, what, found, log.String())
							}
							if what == "execute" && !strings.Contains(log.String(), `"request"`) {
								t.Errorf("%s logs nothing", name)
							}
						}
					}
				})
			})
		}
	}
}

// withoutState leaves out of an answer what Looker is to keep.
func withoutState(text []byte) string {
	var answer map[string]any
	if json.Unmarshal(text, &answer) != nil {
		return string(text)
	}
	delete(answer, "state")
	if looker, ok := answer["looker"].(map[string]any); ok {
		delete(looker, "state")
	}
	data, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	return string(data)
}
