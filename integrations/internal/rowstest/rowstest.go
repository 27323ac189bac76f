// Package rowstest checks that an integration reports the outcome of each row correctly. Its
// [Destination] injects faults: it rejects rows, responds late or never, limits rates and breaks
// connections, before and after it accepted the rows. [Destination.Check] then compares what the
// delivery reported with what arrived.
//
// There are no sockets, so that tests run in a bubble of testing/synctest without waiting.
package rowstest

import (
	"regexp"
	"strconv"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest/vendorapi"
)

// Row is one row as the destination understood it.
type Row struct {
	// ID identifies the row in the test.
	ID string
	// Key is what the destination deduplicates rows by: a repeated row has no effect. It is empty
	// for a destination that does not.
	Key string
}

// Account is what a delivery reports.
type Account struct {
	Delivered, Failed int
}

// account matches the account in a message: delivered, read, rejected and failed items.
var account = regexp.MustCompile(`^(\d+) of (\d+) \S+ delivered(?:, (\d+) rejected)?(?:, (\d+) failed)?\.`)

// claimed parses the account in the message for Looker. A success means all rows.
func claimed(t testing.TB, total int, err error) Account {
	t.Helper()
	if err == nil {
		return Account{Delivered: total}
	}
	match := account.FindStringSubmatch(action.MessageOf(err))
	if match == nil {
		t.Fatalf("the message %q has no account", action.MessageOf(err))
	}
	number := func(n int) int {
		value, _ := strconv.Atoi(match[n]) // digits, or nothing
		return value
	}
	a, read := Account{Delivered: number(1), Failed: number(3) + number(4)}, number(2)
	if a.Delivered+a.Failed != read || read != total {
		t.Errorf("the account %+v is of %d rows, but %d were read of %d", a, a.Delivered+a.Failed, read, total)
	}
	return a
}

// Check fails the test unless the delivery of total rows that ended with err reported the truth: the
// delivered rows are those that a response confirmed, all others failed, and no row had its effect
// twice. It returns the account. It also checks requests against the vendor's own description.
func (d *Destination) Check(t testing.TB, total int, err error) Account {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, err := range d.badCalls {
		t.Errorf("invalid request: %v", err)
	}
	vendorapi.Check(t, d.requests)
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

// Unconfirmed is the number of rows that had their effect without a confirmation.
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
