package registration

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/lookerclient"
)

// class is what a problem means for the registration.
type class int

const (
	// waiting: something else has to happen first, and is expected to. The registration is Reconciling.
	waiting class = iota
	// failed: a call failed. It is retried with a backoff, and the registration is Reconciling.
	failed
	// stalled: an admin has to change something. The registration is Stalled.
	stalled
)

// problem is why a part of a registration is not as its spec says.
type problem struct {
	class           class
	reason, message string
	// requeueAfter is set where no watch reports the end of the problem.
	requeueAfter time.Duration
	cause        error
}

// Error implements error.
func (p *problem) Error() string { return p.message }

// Unwrap returns the failed call.
func (p *problem) Unwrap() error { return p.cause }

// errNotRun is returned by a step that an earlier one kept from running. Its condition keeps its value.
var errNotRun = errors.New("not run")

// problemOf returns an error's problem. An error without one is of the API server, and retried.
func problemOf(err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	if e, ok := errors.AsType[*lookerclient.Error](err); ok {
		return ofLooker(e)
	}
	if apierrors.IsConflict(err) { // the cache is behind: the newer version is reconciled next
		return &problem{class: waiting, reason: v1alpha1.Pending, message: "The registration changed during the reconcile.", requeueAfter: cacheDelay, cause: err}
	}
	return &problem{
		class: failed, reason: v1alpha1.ReconcileFailed, cause: err,
		message: lookerclient.Clean(err.Error()) + ". The operator retries automatically.",
	}
}

func wait(reason string, requeueAfter time.Duration, format string, args ...any) error {
	return &problem{class: waiting, reason: reason, requeueAfter: requeueAfter, message: fmt.Sprintf(format, args...)}
}

func stall(reason string, requeueAfter time.Duration, format string, args ...any) error {
	return &problem{class: stalled, reason: reason, requeueAfter: requeueAfter, message: fmt.Sprintf(format, args...)}
}

const (
	// pollInterval is how soon something is checked again that no watch reports.
	pollInterval = time.Minute
	// conflictInterval is how soon the hubs are listed again that Looker says to have already.
	conflictInterval = 5 * time.Second
	// cacheDelay gives the cache time to catch up.
	cacheDelay = 200 * time.Millisecond
	// defaultRateLimitPause is used when Looker does not say how long to wait.
	defaultRateLimitPause = time.Minute
)

// ofLooker says what a failed call means, and what to do.
func ofLooker(e *lookerclient.Error) *problem {
	p := &problem{class: stalled, requeueAfter: pollInterval, cause: e}
	said := strings.TrimSuffix(e.Error(), ".")
	switch e.Kind {
	case lookerclient.Unreachable, lookerclient.Server:
		p.class, p.reason = failed, v1alpha1.LookerUnreachable
		p.message = "Looker is not responding (" + said + "). The operator retries automatically."
		if strings.Contains(e.Message, "x509:") {
			p.message = "Looker's certificate is not trusted (" + said + "). If a private CA issued it, set spec.looker.caBundleRef."
		}
		p.requeueAfter = 0
		if e.RetryAfter > 0 {
			p.class, p.requeueAfter = waiting, jitter(e.RetryAfter)
		}
	case lookerclient.Forbidden, lookerclient.Unexpected:
		p.reason = v1alpha1.LookerURLInvalid
		p.message = "The response is not from Looker's API (" + said + "). Set spec.looker.url to the URL of the API."
		if e.Kind == lookerclient.Forbidden {
			p.message = "The operator is not allowed to connect to this address (" + said + "). Set spec.looker.url to the URL of Looker's API."
		}
	case lookerclient.Credentials:
		p.reason = v1alpha1.CredentialsRejected
		p.message = "Looker rejected the API key (" + said + "). Correct client_id and client_secret in the Secret of spec.looker.credentialsSecretRef."
	case lookerclient.Permission:
		p.reason = v1alpha1.PermissionDenied
		p.message = "The user of the API key lacks a permission (" + said + "). Give the user the Admin role in Looker."
	case lookerclient.NotFound: // Looker also hides what a user may not see
		p.reason = v1alpha1.PermissionDenied
		p.message = "Looker does not have the object, or hides it because the user of the API key lacks a permission (" + said + "). " +
			"Give the user the Admin role in Looker."
	case lookerclient.Conflict:
		p.class, p.reason, p.requeueAfter = waiting, v1alpha1.LookerRefused, jitter(conflictInterval)
		p.message = "The object already exists in Looker (" + said + "). The operator retries automatically."
	case lookerclient.RateLimited:
		pause := e.RetryAfter
		if pause == 0 {
			pause = defaultRateLimitPause
		}
		p.class, p.reason, p.requeueAfter = waiting, v1alpha1.RateLimited, jitter(pause)
		p.message = "Looker is rate limiting requests. The operator retries automatically."
	case lookerclient.Invalid:
		p.reason = v1alpha1.LookerRefused
		p.message = "Looker rejected the request (" + said + "). Correct the part of the spec that Looker's message names."
	}
	return p
}

// jitter lengthens an interval by up to a fifth, so that registrations in one Looker do not all call at
// once.
func jitter(d time.Duration) time.Duration {
	return d + time.Duration(rand.Int64N(int64(d)/5+1)) //nolint:gosec // nothing has to be unpredictable
}
