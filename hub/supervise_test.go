package hub_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"integrationhub.dev/hub/action"
)

// An integration that hangs, whatever becomes of its context, frees its place in the hub.
func TestIntegrationThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := dial(t, entry(&fake{definition: definition("a"), execute: func(context.Context, *action.Request) (*action.Response, error) {
			<-release
			return &action.Response{}, nil
		}}))
		defer close(release)
		body := `{"type":"query","data":{"key":"k"},"attachment":{"mimetype":"text/csv","data":"a,b"}}`
		begun := time.Now()
		c.say(executeHead + fmt.Sprintf("Authorization: Token token=%q\r\nContent-Length: %d\r\n\r\n", goodToken, len(body)) + body)
		status, answer := c.answer(t)
		if status != http.StatusOK || !strings.Contains(answer, `"success":false`) || !strings.Contains(answer, "may already have been delivered") {
			t.Errorf("answer %d %s", status, answer)
		}
		if took := time.Since(begun); took != time.Hour+30*time.Second {
			t.Errorf("answered after %s", took)
		}
	})
}

// So does a form.
func TestFormThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		d := definition("a")
		c := dial(t, entry(withForm{&fake{definition: d, form: func(context.Context, *action.Request) (*action.Form, error) {
			<-release
			return &action.Form{}, nil
		}}}))
		defer close(release)
		body := `{"data":{"key":"k"}}`
		begun := time.Now()
		head := strings.Replace(executeHead, "/execute", "/form", 1)
		c.say(head + fmt.Sprintf("Authorization: Token token=%q\r\nContent-Length: %d\r\n\r\n", goodToken, len(body)) + body)
		status, answer := c.answer(t)
		if status != http.StatusOK || !strings.Contains(answer, `"error"`) || time.Since(begun) != 2*time.Minute+30*time.Second {
			t.Errorf("answer %d %s after %s", status, answer, time.Since(begun))
		}
	})
}
