package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"integrationhub.dev/hub/action"
)

// pollEvery is how often a job is looked at.
const pollEvery = 30 * time.Second

// blindPolls is how often in a row a job may be out of sight for a reason that does not pass
// by itself, such as keys that were withdrawn.
const blindPolls = 5

// ending is how a job ended.
type ending struct {
	subject, text string
	// err is what the hub itself could not do about it.
	err error
}

// follow looks at a job until it has ended and mails how. poll returns nil while it runs.
func follow(ctx context.Context, r *reporter, what string, poll func(context.Context) (*ending, error)) error {
	end, err := untilEnded(ctx, poll)
	if err == nil {
		return errors.Join(end.err, r.tell(ctx, end.subject, end.text))
	}
	// Whoever waits is told, though the hub may be stopping.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), action.LastWord-time.Second)
	defer cancel()
	told := r.tell(last, fmt.Sprintf("%s is no longer followed", what), fmt.Sprintf(
		"%s goes on at Amazon SageMaker, but the hub could not follow it to its end: %s\n\n"+
			"Look for it in the SageMaker console. What the hub would have done once it had ended will not be done.", what, reason(ctx, err)))
	return errors.Join(err, told)
}

// reason is why a job is followed no longer, for a mail.
func reason(ctx context.Context, err error) string {
	if ctx.Err() != nil {
		return context.Cause(ctx).Error() + "."
	}
	return action.MessageOf(err)
}

func untilEnded(ctx context.Context, poll func(context.Context) (*ending, error)) (*ending, error) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	blind := 0
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-tick.C:
		}
		end, err := poll(ctx)
		switch {
		case ctx.Err() != nil && end == nil:
			return nil, context.Cause(ctx)
		case err == nil && end != nil:
			return end, nil
		case err == nil:
			blind = 0
		case !action.KindOf(err).Retryable():
			if blind++; blind == blindPolls {
				return nil, err
			}
		}
	}
}
