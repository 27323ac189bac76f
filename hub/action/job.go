package action

import (
	"context"
	"time"
)

// Job is work that the destination continues after the delivery has been answered, such as
// training a model for hours.
type Job struct {
	// Name identifies the job in the log. It contains no secret and no data.
	Name string
	// Follow returns when the job has ended and everything that depends on its end is done, or
	// an error if that failed. When ctx ends first, because the hub stops or the job exceeded its
	// timeout, Follow has [ShutdownGrace] to notify the user. It must return within that time.
	Follow func(ctx context.Context) error
}

// ShutdownGrace is how long a job's Follow may continue after its context has ended.
const ShutdownGrace = 10 * time.Second

// StartJob starts a job and follows it in the background. It reserves a slot before it calls
// start, so that no work is started at the destination that the hub cannot follow. Without a
// free slot it returns an [*Error] for the Looker user, otherwise the error of start.
type StartJob func(ctx context.Context, start func(context.Context) (Job, error)) error
