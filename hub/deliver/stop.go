package deliver

import "errors"

// stopError marks an error that every later call would return.
type stopError struct{ error }

func (s stopError) Unwrap() error { return s.error }

// Stop wraps an error that applies to every later batch too, such as a rejected token. The rest
// of the items is not sent.
func Stop(err error) error { return stopError{err} }

// Stopped reports whether err ends the delivery: [Stop] wraps it, or the rate limit permits no
// later call before the delivery's timeout.
func Stopped(err error) bool {
	_, timeout := errors.AsType[deadlineError](err)
	return timeout || stopped(err) != nil
}

func stopped(err error) error {
	if s, ok := errors.AsType[stopError](err); ok {
		return s
	}
	return nil
}
