package awsec2stopinstance

import (
	"context"
	"slices"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/aws/awscall"
	"integrationhub.dev/integrations/internal/aws/awssdk"
)

// perCall is the number of instances in a call. EC2 publishes no limit, but rejects very large
// calls.
const perCall = 100

var (
	errNotTried     = action.Errorf(action.Unavailable, "The remaining instances were not stopped.")
	errNotConfirmed = action.Errorf(action.Unavailable, "Amazon EC2 did not confirm that every instance is stopping.")
)

// stop stops instances and returns how many are stopping.
func stop(ctx context.Context, c *awscall.Client, ids []string) (int, error) {
	outcomes := map[string]error{}
	var fatal error
	for chunk := range slices.Chunk(ids, perCall) {
		if fatal != nil {
			mark(outcomes, chunk, errNotTried)
			continue
		}
		fatal = stopSome(ctx, c, chunk, outcomes)
	}
	// The outcomes are known: Batches only counts them.
	outcome := func(_ context.Context, id []string) error { return outcomes[id[0]] }
	result := deliver.Batches(context.WithoutCancel(ctx), deliver.Items(ids), deliver.Options[string]{Size: 1}, outcome)
	return result.Sent(), result.Err("stop orders")
}

// stopSome stops instances by one call. EC2 stops all of them or none: if it rejects the call because
// of one instance, each is tried by itself. An error applies to every other instance too.
func stopSome(parent context.Context, c *awscall.Client, ids []string, outcomes map[string]error) error {
	ctx, cancel := context.WithTimeoutCause(parent, timeout, action.Errorf(action.Timeout, "%s did not respond in time.", name))
	defer cancel()
	stopping, err := stopInstances(ctx, c, ids)
	switch {
	case err == nil:
		mark(outcomes, ids, errNotConfirmed)
		for _, id := range stopping {
			outcomes[id] = nil
		}
		return nil
	case !isInstanceError(err):
		err = explain(ctx, err)
		mark(outcomes, ids, err)
		return err
	case len(ids) == 1:
		outcomes[ids[0]] = explainInstance(ctx, ids[0], err)
		return nil
	}
	for n := range ids {
		if err := stopSome(parent, c, ids[n:n+1], outcomes); err != nil {
			mark(outcomes, ids[n+1:], errNotTried)
			return err
		}
	}
	return nil
}

func mark(outcomes map[string]error, ids []string, err error) {
	for _, id := range ids {
		outcomes[id] = err
	}
}

// isInstanceError reports whether EC2 rejected a call because of an instance.
func isInstanceError(err error) bool {
	if _, known := explanations[errorCode(err)]; known {
		return false
	}
	status := awssdk.Status(err)
	return status >= 400 && status < 500
}
