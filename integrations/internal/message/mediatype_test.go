package message_test

import (
	"testing"

	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/message"
)

func TestMediaType(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ mime, want string }{
		"plain":           {"text/csv", "text/csv"},
		"encoded":         {"application/pdf;base64", "application/pdf"},
		"with parameters": {"text/csv; charset=utf-8", "text/csv"},
		"two headers":     {"text/csv\r\nX-Evil: 1", "application/octet-stream"},
		"not a type":      {"csv file", "application/octet-stream"},
		"two types":       {"text/csv/x", "application/octet-stream"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := actiontest.Inline(t, actiontest.Query(nil, nil), tt.mime, "csv", []byte("x"))
			if got := message.MediaType(req.Data); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	if got := message.MediaType(actiontest.Query(nil, nil).Data); got != "application/octet-stream" {
		t.Errorf("without data %q", got)
	}
}

func TestContentType(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ mime, extension, format, want string }{
		"as Looker says":        {"application/pdf;base64", "csv", "csv", "application/pdf"},
		"by the format":         {"application/octet-stream;base64", "csv", "csv_zip", "application/zip"},
		"by the extension":      {"bad type", "XLSX", "", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
		"a picture's extension": {"bad type", ".png", "", "image/png"},
		"unknown":               {"bad type", "dat", "odd", "application/octet-stream"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := actiontest.Query(nil, map[string]string{"format": tt.format})
			if got := message.ContentType(actiontest.Inline(t, req, tt.mime, tt.extension, []byte("x"))); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
