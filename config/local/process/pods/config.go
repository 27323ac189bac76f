// Package pods runs pods: their containers are processes of this machine.
package pods

import (
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"

	"integrationhub.dev/config/local/process/images"
	"integrationhub.dev/config/local/process/network"
	"integrationhub.dev/config/local/process/volumes"
)

// Config is what all pods of a node share.
type Config struct {
	Folder  string // pods keep theirs below it
	Hosts   string // file with the services' names, which containers find as etc/hosts
	Images  images.Store
	Network *network.Pods
	Source  volumes.Source
	// Services returns the variables that tell a namespace's containers of its services.
	Services func(namespace string) map[string]string
	// Extra returns variables that a container gets unless it sets them itself. The folder is
	// the container's own, and paths says where what is mounted lies.
	Extra func(pod *corev1.Pod, folder string, path func(string) (string, bool)) (map[string]string, error)
	// Event tells of the pod's life, as "kubectl describe" shows it.
	Event func(pod *corev1.Pod, kind, reason, message string)
	// Notify gets the pod with its status whenever that changes.
	Notify func(*corev1.Pod)
	Log    *slog.Logger
	// Backoff is the wait before a container starts again, or before something that is
	// missing is looked for again; it doubles up to MaxBackoff.
	Backoff, MaxBackoff time.Duration
}

// backoff waits longer each time.
type backoff struct{ next, longest time.Duration }

func (c *Config) newBackoff() *backoff { return &backoff{next: c.Backoff, longest: c.MaxBackoff} }

func (b *backoff) step() time.Duration {
	wait := b.next
	b.next = min(2*b.next, b.longest)
	return wait
}
