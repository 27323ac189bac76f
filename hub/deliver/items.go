package deliver

import "iter"

// Items yields the elements of a slice for [Batches].
func Items[T any](all []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, item := range all {
			if !yield(item, nil) {
				return
			}
		}
	}
}
