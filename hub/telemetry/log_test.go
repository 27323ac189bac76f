package telemetry_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"strings"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/telemetry"
)

const serviceSecret = "test-secret-of-the-hub"

func TestLogLevelAndFormat(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		env        map[string]string
		debug      bool
		begins     string
		refusedFor string
	}{
		{name: "by default", begins: `{"time":`},
		{name: "the reference's switch", env: map[string]string{"ACTION_HUB_DEBUG": "1"}, debug: true, begins: "{"},
		{name: "the reference's switch, any word", env: map[string]string{"ACTION_HUB_DEBUG": "yes"}, debug: true, begins: "{"},
		{name: "the reference's switch, off", env: map[string]string{"ACTION_HUB_DEBUG": "false"}, begins: "{"},
		{name: "our name wins", env: map[string]string{"ACTION_HUB_DEBUG": "1", "ACTION_HUB_LOG_LEVEL": "info"}, begins: "{"},
		{name: "debug as text", env: map[string]string{"ACTION_HUB_LOG_LEVEL": "debug", "ACTION_HUB_LOG_FORMAT": "text"}, debug: true, begins: "time="},
		{name: "no level", env: map[string]string{"ACTION_HUB_LOG_LEVEL": "loud"}, refusedFor: "loud"},
		{name: "no format", env: map[string]string{"ACTION_HUB_LOG_FORMAT": "xml"}, refusedFor: `ACTION_HUB_LOG_FORMAT is "xml", but must be json or text`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{"ACTION_HUB_BASE_URL": "http://localhost", "ACTION_HUB_LABEL": "x", "ACTION_HUB_SECRET": serviceSecret}
			maps.Copy(env, tt.env)
			c, err := config.Load(env)
			if tt.refusedFor != "" {
				if err == nil || !strings.Contains(err.Error(), tt.refusedFor) {
					t.Fatalf("read with %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			log := telemetry.NewLogger(&b, c)
			log.Info("x")
			if !strings.HasPrefix(b.String(), tt.begins) || log.Enabled(t.Context(), slog.LevelDebug) != tt.debug {
				t.Errorf("debug is %v, a line is %s", log.Enabled(t.Context(), slog.LevelDebug), b.String())
			}
		})
	}
}

func TestLogHidesURLs(t *testing.T) {
	t.Parallel()
	parse := func(text string) error {
		_, err := url.Parse(text)
		if err == nil {
			t.Fatalf("%s is a URL", text)
		}
		return err
	}
	var b bytes.Buffer
	log := telemetry.NewLogger(&b, config.Config{LogFormat: "json"})
	for _, tt := range []struct {
		value any
		want  string
	}{
		{"nothing to hide: a/b?c=d", "nothing to hide: a/b?c=d"},
		{"see https://example.com and http://localhost:8080/", "see https://example.com and http://localhost:8080/"},
		{"at https://hooks.example.com/services/T0/s3cret.", "at https://hooks.example.com/…"},
		{"at https://user:s3cret@example.com:8443", "at https://example.com:8443"},
		{"at https://example.com?token=s3cret", "at https://example.com/…"},
		{"at https://example.com#s3cret", "at https://example.com/…"},
		{"at HTTPS://user:s3cret@Example.com/s3cret, sftp://u:s3cret@h/s3cret", "at HTTPS://Example.com/… sftp://h/…"},
		{"at https://example.com/it's?s3cret (so)", "at https://example.com/… (so)"},
		{`Post "https://example.com/a\"b?s3cret": EOF`, `Post "https://example.com/…": EOF`},
		{"postgres://u:s3cret@[::1]:5432/db", "postgres://[::1]:5432/…"},
		{&url.Error{Op: "Post", URL: "https://example.com/s3cret?a=b", Err: io.EOF}, `Post "https://example.com/…": EOF`},
		{fmt.Errorf("sending: %w", &url.Error{Op: "Post", URL: `https://example.com/a "b"?s3cret`, Err: io.EOF}), `sending: Post "https://example.com/…": EOF`},
		{errors.Join(io.EOF, action.Wrap(&url.Error{Op: "Get", URL: "https://example.com/s3cret", Err: io.EOF}, action.Internal, "No.")), "EOF\nNo: Get \"https://example.com/…\": EOF"},
		{parse("https://example.com/\x7f?s3cret"), `parse "…": net/url: invalid control character in URL`},
		{parse("s3cret/%zz"), `parse "…": invalid URL escape "%zz"`},
	} {
		b.Reset()
		log.Info("m", "v", tt.value)
		quoted := fmt.Sprintf("%q", tt.want)
		if !strings.Contains(b.String(), `"v":`+quoted) || strings.Contains(b.String(), "s3cret") {
			t.Errorf("%v is logged as %swant %s", tt.value, b.String(), quoted)
		}
	}
	b.Reset()
	log.Info("asking https://example.com/s3cret")
	if strings.Contains(b.String(), "s3cret") {
		t.Errorf("a message is logged as %s", b.String())
	}
}
