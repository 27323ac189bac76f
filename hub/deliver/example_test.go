package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// Five rows go to a destination that accepts two rows a call and a hundred calls a second. Calls
// can be repeated, since the destination updates records by their ID.
func ExampleBatches() {
	rows := deliver.Items([]string{"ann", "bob", "cid", "dan", "eve"})
	result := deliver.Batches(context.Background(), rows, deliver.Options[string]{
		Size:    2,
		Limiter: rate.NewLimiter(100, 1),
		Retry:   deliver.Retry{MaxAttempts: 5, InitialBackoff: time.Second, MaxBackoff: 30 * time.Second},
	}, func(_ context.Context, batch []string) error {
		fmt.Println("POST", batch)
		return nil
	})
	fmt.Println(result.Sent(), "rows,", result.Err("rows"))
	// Output:
	// POST [ann bob]
	// POST [cid dan]
	// POST [eve]
	// 5 rows, <nil>
}

// The destination rejects a whole batch because of one row, without naming it. Bisecting finds the
// row, and the others are delivered.
func ExampleBatches_bisect() {
	rows := deliver.Items([]string{"ann", "bob", "???", "dan"})
	result := deliver.Batches(context.Background(), rows, deliver.Options[string]{Size: 4, BisectBudget: 1_000},
		func(_ context.Context, batch []string) error {
			fmt.Println("POST", batch)
			if slices.Contains(batch, "???") {
				return action.Errorf(action.Invalid, "A name has no letters.")
			}
			return nil
		})
	fmt.Println(action.MessageOf(result.Err("rows")))
	// Output:
	// POST [ann bob ??? dan]
	// POST [ann bob]
	// POST [??? dan]
	// POST [???]
	// POST [dan]
	// 3 of 4 rows delivered, 1 rejected. A name has no letters.
}

// The response names the rows that were not accepted.
func ExamplePartial() {
	rows := deliver.Items([]string{"ann", "bob", "cid"})
	result := deliver.Batches(context.Background(), rows, deliver.Options[string]{Size: 10},
		func(_ context.Context, batch []string) error {
			failed := map[int]error{}
			for i, name := range batch {
				if name == "bob" {
					failed[i] = action.Errorf(action.Invalid, "A contact does not exist.")
				}
			}
			return deliver.Partial(failed) // nil if there are none
		})
	fmt.Println(action.MessageOf(result.Err("contacts")))
	// Output: 2 of 3 contacts delivered, 1 rejected. A contact does not exist.
}

// With a rejected token, every later batch would fail too.
func ExampleStop() {
	rows := deliver.Items([]string{"ann", "bob", "cid"})
	result := deliver.Batches(context.Background(), rows, deliver.Options[string]{Size: 1},
		func(_ context.Context, batch []string) error {
			fmt.Println("POST", batch)
			return deliver.Stop(action.Errorf(action.Unauthenticated, "The destination rejected the token."))
		})
	fmt.Println(result.Sent(), "rows delivered")
	// Output:
	// POST [ann]
	// 0 rows delivered
}

// Reading can be repeated.
func ExampleRetry() {
	retry := deliver.Retry{MaxAttempts: 3, InitialBackoff: time.Millisecond, MaxBackoff: time.Second}
	calls := 0
	err := retry.Do(context.Background(), func(context.Context) error {
		if calls++; calls < 3 {
			return action.Errorf(action.Unavailable, "The destination is temporarily unavailable.")
		}
		return nil
	})
	fmt.Println(calls, "calls,", err)
	// Output: 3 calls, <nil>
}

// A message must not be sent twice. After an error with an unknown outcome it is not sent again, and the
// error says so.
func ExampleOnce() {
	once := deliver.Once{Name: "Chat", MaybeDeliveredHint: "The message may already have been posted. Check before retrying."}
	err := once.Do(context.Background(), func(ctx context.Context) error {
		markWritten(ctx) // the HTTP client does this once it has written the request
		return action.Wrap(errors.New("connection reset by peer"), action.Unavailable, "The connection to Chat failed.")
	})
	fmt.Println(action.MessageOf(err))
	// Output: The connection to Chat failed. The message may already have been posted. Check before retrying.
}
