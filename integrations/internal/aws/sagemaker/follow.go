package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/jobs"
)

// pollInterval is the time between two polls of a job.
const pollInterval = 30 * time.Second

// outcome is how a job ended, as the mail says it.
type outcome struct {
	subject, text string
	// err is what the hub failed to do after the job.
	err error
}

// failed is the outcome of a job that failed for a reason of SageMaker's. job names it, such as
// "Training job x".
func failed(job, reason string) *outcome {
	return &outcome{subject: job + " failed", text: fmt.Sprintf("%s failed: %s", job, reason)}
}

// stopped is the outcome of a job that somebody stopped in AWS.
func stopped(job string) *outcome {
	return &outcome{subject: job + " was stopped", text: job + " was stopped."}
}

// poller returns nil while a job is running.
type poller func(context.Context) (*outcome, error)

// runJob starts a job and follows it until it has ended. kind names it, such as "Training job". start
// returns its name.
func (c *Client) runJob(ctx context.Context, kind string, r *reporter, note string, start func(context.Context) (string, poller, error)) (
	*action.Response, error,
) {
	response := &action.Response{}
	err := c.deps.StartJob(ctx, func(ctx context.Context) (action.Job, error) {
		name, poll, err := start(ctx)
		if err != nil {
			return action.Job{}, err
		}
		job := kind + " " + name
		response.Message = started(job, note)
		return action.Job{Name: job, Follow: func(ctx context.Context) error { return follow(ctx, r, job, poll) }}, nil
	})
	if err != nil {
		return nil, err
	}
	return response, nil
}

// started is the message about a job. note may be empty.
func started(job, note string) string { return job + " was started." + note }

// follow polls a job until it has ended, and mails the outcome.
func follow(ctx context.Context, r *reporter, job string, poll poller) error {
	end, err := jobs.Poll(ctx, pollInterval, poll)
	if err == nil {
		return errors.Join(end.err, r.send(ctx, end.subject, end.text))
	}
	// The mail is sent even if the hub is shutting down: its reader is waiting for one.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), action.ShutdownGrace-time.Second)
	defer cancel()
	mailErr := r.send(last, job+" is no longer followed", fmt.Sprintf(
		"%s continues in Amazon SageMaker, but the hub stopped monitoring it: %s\n\n"+
			"Check it in the SageMaker console. The hub will not do what was planned after the job.", job, reason(ctx, err)))
	return errors.Join(err, mailErr)
}

// reason is why a job is no longer followed, for the mail.
func reason(ctx context.Context, err error) string {
	if ctx.Err() != nil {
		return context.Cause(ctx).Error() + "."
	}
	return action.MessageOf(err)
}
