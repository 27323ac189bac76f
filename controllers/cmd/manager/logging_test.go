package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
)

// lines is a log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// level returns the level of the line about a rejected event, or "".
func (l *lines) level() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range bytes.Lines(l.text.Bytes()) {
		var record struct{ Level, Msg string }
		if json.Unmarshal(line, &record) == nil && record.Msg == rejectedMessage {
			return record.Level
		}
	}
	return ""
}

// rejecting is an API server that rejects events.
type rejecting struct {
	events.EventSink
	err error
}

func (r rejecting) Create(context.Context, *eventsv1.Event) (*eventsv1.Event, error) {
	return nil, r.err
}

// client-go's recorder writes each event of a namespace that is being deleted as an error, which is none. Other
// rejected events are errors.
func TestEventsOfDeletedNamespaces(t *testing.T) {
	t.Parallel()
	resource := schema.GroupResource{Group: "events.k8s.io", Resource: "events"}
	terminating := apierrors.NewForbidden(resource, "hub.1", nil)
	terminating.ErrStatus.Details.Causes = append(terminating.ErrStatus.Details.Causes, metav1.StatusCause{
		Type: corev1.NamespaceTerminatingCause, Message: "namespace looker is being terminated", Field: "metadata.namespace",
	})
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"a namespace that is being deleted": {terminating, "DEBUG"},
		"not allowed":                       {apierrors.NewForbidden(resource, "hub.1", nil), "ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := &lines{}
			ctx := klog.NewContext(t.Context(), logr.FromSlogHandler(newLogHandler(log, slog.LevelDebug)).WithName("events").WithValues("a", "b"))
			broadcaster := events.NewBroadcaster(rejecting{err: tt.err})
			t.Cleanup(broadcaster.Shutdown)
			if err := broadcaster.StartRecordingToSinkWithContext(ctx); err != nil {
				t.Fatal(err)
			}
			object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "looker", Name: "hub"}}
			broadcaster.NewRecorder(clientgoscheme.Scheme, "test").Eventf(object, nil, corev1.EventTypeNormal, "Tested", "Test", "A note.")
			for log.level() == "" {
				select {
				case <-time.After(10 * time.Millisecond):
				case <-t.Context().Done():
					t.Fatal("client-go does not log rejected events by this message")
				}
			}
			if got := log.level(); got != tt.want {
				t.Errorf("level %s, want %s", got, tt.want)
			}
		})
	}
	log := &lines{}
	logr.FromSlogHandler(newLogHandler(log, slog.LevelInfo)).Error(terminating, rejectedMessage)
	if log.text.Len() > 0 {
		t.Errorf("it is in the log of the default level: %s", log.text.String())
	}
}
