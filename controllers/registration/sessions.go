package registration

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"

	"integrationhub.dev/controllers/lookerclient"
)

// sessions has a client of Looker's API for each registration. A client keeps its session until that
// expires.
type sessions struct {
	mu      sync.Mutex
	clients map[types.NamespacedName]session
}

type session struct {
	config lookerclient.Config
	client *lookerclient.Client
}

// client returns the client of a registration. Another configuration ends the session of the previous one.
func (s *sessions) client(
	ctx context.Context, registration types.NamespacedName, config lookerclient.Config, options lookerclient.Options,
) (*lookerclient.Client, error) {
	s.mu.Lock()
	last, known := s.clients[registration]
	s.mu.Unlock()
	if known && last.config == config {
		return last.client, nil
	}
	c, err := lookerclient.New(config, options)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	if s.clients == nil {
		s.clients = map[types.NamespacedName]session{}
	}
	s.clients[registration] = session{config: config, client: c}
	s.mu.Unlock()
	if known {
		logout(ctx, last.client)
	}
	return c, nil
}

// last returns the client that a registration had last; nil if there is none, as after a restart.
func (s *sessions) last(registration types.NamespacedName) *lookerclient.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clients[registration].client
}

// end logs a registration out and drops its client.
func (s *sessions) end(ctx context.Context, registration types.NamespacedName) {
	s.mu.Lock()
	last, known := s.clients[registration]
	delete(s.clients, registration)
	s.mu.Unlock()
	if known {
		logout(ctx, last.client)
	}
}

// logoutTimeout bounds a logout. A session that is not ended expires.
const logoutTimeout = 5 * time.Second

func logout(ctx context.Context, c *lookerclient.Client) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logoutTimeout)
	defer cancel()
	if err := c.Logout(ctx); err != nil {
		ctrl.LoggerFrom(ctx).V(1).Info("cannot log out of Looker; the session expires later", "error", err.Error())
	}
}

// Start logs all registrations out when the manager stops.
func (s *sessions) Start(ctx context.Context) error {
	<-ctx.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	var wg sync.WaitGroup
	for _, last := range s.clients {
		wg.Go(func() { logout(ctx, last.client) })
	}
	wg.Wait()
	s.clients = nil
	return nil
}
