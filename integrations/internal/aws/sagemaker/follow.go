package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/jobs"
)

// pollEvery is how often a job is looked at.
const pollEvery = 30 * time.Second

// ending is how a job ended.
type ending struct {
	subject, text string
	// err is what the hub itself could not do about it.
	err error
}

// follow looks at a job until it has ended and mails how. poll returns nil while it runs.
func follow(ctx context.Context, r *reporter, what string, poll func(context.Context) (*ending, error)) error {
	end, err := jobs.Poll(ctx, pollEvery, poll)
	if err == nil {
		return errors.Join(end.err, r.tell(ctx, end.subject, end.text))
	}
	// Whoever waits is told, though the hub may be stopping.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), action.ShutdownGrace-time.Second)
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
