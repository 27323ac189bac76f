package datamanager

import (
	"errors"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// maxRounds bounds the calls for one batch with invalid items.
const maxRounds = 20

// SendValid sends items, and again without those that Google rejected: one invalid item makes Google
// reject the request, which then has no effect
// (https://developers.google.com/data-manager/api/devguides/concepts/understand-errors). If Google accepts
// the rest, the error is a [deliver.PartialError].
//
// send gets some of the items. It is called several times, so its error must be the one of the call.
func SendValid[T any](items []T, send func([]T) error) error {
	failed := map[int]error{}
	left, index := items, make([]int, len(items))
	for i := range index {
		index[i] = i
	}
	for range maxRounds {
		err := send(left)
		rejected, ok := errors.AsType[*ItemsError](err)
		if !ok {
			if err == nil {
				err = deliver.Partial(failed)
			}
			return err
		}
		var (
			valid      []T
			validIndex []int
		)
		for i, item := range left {
			if reason := rejected.Items[i]; reason != nil {
				failed[index[i]] = reason
			} else {
				valid, validIndex = append(valid, item), append(validIndex, index[i])
			}
		}
		if len(valid) == len(left) { // the error names none of the items
			return action.Wrap(err, action.KindOf(err), "%s", action.MessageOf(err))
		}
		if left, index = valid, validIndex; len(left) == 0 {
			return deliver.Partial(failed)
		}
	}
	for _, i := range index {
		failed[i] = action.Errorf(action.Invalid, "%s rejected too many rows of a batch. Its other rows were not sent.", Name)
	}
	return deliver.Partial(failed)
}
