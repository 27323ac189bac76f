// Package rowstest checks that an integration which delivers rows tells the truth about
// them. Its [Destination] has a bad day: it refuses some rows, answers late or not at all,
// limits rates and cuts connections, before and after it took what was sent. Afterwards
// [Destination.Check] compares what the delivery claimed with what arrived.
//
// Nothing here has a socket, so the test runs in a bubble of testing/synctest: waits that
// would take hours pass at once.
package rowstest

import (
	"fmt"
	"testing"

	"integrationhub.dev/hub/action"
)

// Row is one row as the destination understood it.
type Row struct {
	// ID tells the row from all others of the test.
	ID string
	// Key is what the destination knows a row by that it was sent before: it takes such a
	// row without effect. A destination that knows nothing again has no keys.
	Key string
}

// Account is what a delivery says became of its rows.
type Account struct {
	Delivered, Failed int
}

// claimed reads the account out of what Looker is told. A success claims all rows.
func claimed(t testing.TB, total int, err error) Account {
	t.Helper()
	if err == nil {
		return Account{Delivered: total}
	}
	var (
		a    Account
		read int
		noun string
	)
	if _, scan := fmt.Sscanf(action.MessageOf(err), "%d of %d %s delivered, %d failed.", &a.Delivered, &read, &noun, &a.Failed); scan != nil {
		t.Fatalf("the message %q has no account: %v", action.MessageOf(err), scan)
	}
	if a.Delivered+a.Failed != read || read != total {
		t.Errorf("the account %+v is of %d rows, but %d were read of %d", a, a.Delivered+a.Failed, read, total)
	}
	return a
}

// Check fails the test unless the delivery of total rows that ended with err told the truth:
// the rows that it counts as delivered are those whose arrival was confirmed, all others are
// counted as failed, and no row had its effect twice. It returns the account.
func (d *Destination) Check(t testing.TB, total int, err error) Account {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, fault := range d.faults {
		t.Errorf("a call that the destination does not understand: %v", fault)
	}
	got := claimed(t, total, err)
	var want Account
	doubled := 0
	for _, r := range d.rows {
		if r.effects > 1 {
			doubled++
		}
		if r.confirmed {
			want.Delivered++
		}
	}
	want.Failed = total - want.Delivered
	if got != want {
		t.Errorf("the delivery claims %+v, the destination has %+v", got, want)
	}
	if doubled > 0 {
		t.Errorf("%d rows had their effect twice", doubled)
	}
	return got
}

// Unconfirmed is the number of rows that had their effect, though no answer said so.
func (d *Destination) Unconfirmed() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, r := range d.rows {
		if r.effects > 0 && !r.confirmed {
			n++
		}
	}
	return n
}
