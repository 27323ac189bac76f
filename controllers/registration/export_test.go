package registration

import "context"

// EndSessions does what the manager does when it stops.
func (r *Reconciler) EndSessions(ctx context.Context) error { return r.sessions.Start(ctx) }
