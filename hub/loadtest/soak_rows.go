package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// What a vendor does wrong beside what the receiver does (faultReset, faultLate, faultStatus).
const (
	faultBusy   = "busy"   // answer 429 with Retry-After
	faultHalf   = "half"   // store the rows, then break off within the answer
	faultReject = "reject" // refuse single rows
	faultMixed  = "mixed"  // all of these
)

// rowCase is what is special about a delivery of rows.
type rowCase struct {
	destination *rowDestination
	rows        int
	// fault is what the vendor does wrong: with some calls, or always.
	fault  string
	always bool
}

// newRowCase chooses a delivery of rows. A third of them have no fault.
func newRowCase(random *rand.Rand) *rowCase {
	d := &rowDestinations[random.IntN(len(rowDestinations))]
	r := &rowCase{destination: d, rows: 1 + random.IntN(d.maxRows)}
	if random.IntN(3) > 0 {
		kinds := []string{faultBusy, faultStatus, faultReset, faultLate, faultHalf, faultReject, faultMixed, faultMixed}
		r.fault, r.always = kinds[random.IntN(len(kinds))], random.IntN(6) == 0
	}
	return r
}

func (r rowCase) String() string {
	return fmt.Sprintf("%d rows to %s, vendor's fault %q, always %t", r.rows, r.destination.name, r.fault, r.always)
}

// roll is a number below 10,000 that depends on nothing but its arguments, so that a replayed
// delivery meets the same faults whatever the order of its calls.
func roll(parts ...any) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintln(h, parts...) // a hash returns no errors
	return h.Sum64() % 10_000
}

// callFault chooses the fault of a call, which its first row and the number of calls with it
// before identify.
func callFault(seed uint64, id, fault string, always bool, key string, attempt int) string {
	n := roll(seed, id, key, attempt)
	if fault == faultMixed {
		kinds := []string{faultBusy, faultStatus, faultReset, faultLate, faultHalf}
		fault = kinds[roll(n)%uint64(len(kinds))]
	}
	if fault == faultReject || !always && n >= 3500 {
		return ""
	}
	return fault
}

// rejects reports whether the vendor refuses a row.
func (r rowCase) rejects(seed uint64, id, row string) bool {
	return (r.fault == faultReject || r.fault == faultMixed) && roll(seed, id, row) < 500
}

// checkOf is the value that a row must arrive with.
func checkOf(id, row string) string { return strconv.FormatUint(roll(id, row), 10) }

// document is the result with the rows.
func (r rowCase) document(id string) document {
	var text strings.Builder
	text.WriteString(`{"fields":{"dimensions":[` + r.destination.columns + `]},"data":[`)
	for n := range r.rows {
		row := r.destination.row(n)
		if n > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, `{"c.id":{"value":%q},"c.check":{"value":%q}}`, row, checkOf(id, row))
	}
	text.WriteString("]}")
	return document{format: jsonFormat, head: []byte(text.String())}
}

// rowLedger is what a vendor counted of a delivery.
type rowLedger struct {
	// stored is how often a row was stored; confirmed are the rows that a call stored whose
	// answer went out whole, rejected those that the last answer refused.
	stored              map[string]int
	confirmed, rejected map[string]bool
	damage              error
}

func newRowLedger() *rowLedger {
	return &rowLedger{stored: map[string]int{}, confirmed: map[string]bool{}, rejected: map[string]bool{}}
}

// report is what the hub says of a delivery of rows. Without counts, no row was delivered, and
// at most one was read and not delivered.
type report struct {
	counted                           bool
	read, delivered, rejected, failed int
}

var (
	partialReport = regexp.MustCompile(`^(\d+) of (\d+) [a-z]+ delivered(?:, (\d+) rejected)?(?:, (\d+) failed)?\.`)
	wholeReport   = regexp.MustCompile(`^(\d+) (?:contacts updated|rows sent to [A-Z][a-z]+|records added)(?:, (\d+) updated)?\.`)
)

// readReport reads the message of an outcome.
func readReport(out outcome) (r report, err error) {
	pattern := partialReport
	if out.Success {
		pattern = wholeReport
	}
	found := pattern.FindStringSubmatch(out.Message)
	if found == nil {
		if out.Success {
			err = fmt.Errorf("a success does not say how many rows were delivered: %q", out.Message)
		}
		return r, err
	}
	n := make([]int, len(found))
	for i, text := range found[1:] {
		n[i+1], _ = strconv.Atoi(text) // digits, or none
	}
	if out.Success {
		return report{counted: true, read: n[1] + n[2], delivered: n[1] + n[2]}, nil
	}
	return report{counted: true, delivered: n[1], read: n[2], rejected: n[3], failed: n[4]}, nil
}

// deliverRows makes a delivery of rows and holds the hub's report against what the vendor counted.
func (s *soakRun) deliverRows(ctx context.Context, i *process, c soakCase) {
	d := delivery{id: c.id, integration: c.rows.destination.name}
	c.rows.destination.fill(&d)
	c.document = c.rows.document(c.id)
	if c.download {
		d.downloadURL = s.receiver.offer(c.id, c.document, c.source)
	} else {
		d.document = &c.document
		d.cutShort = c.hangUp
	}
	s.vendors.expect(c)
	begin := time.Now()
	out, err := i.hub.execute(ctx, s.client, d)
	ended := answerEnd{unanswered: errors.Is(err, errUnanswered), stopped: i.killed.Load() || i.drained.Load() && !s.vendors.saw(c.id)}
	ended.late = time.Since(begin) > deliveryTimeout-timeoutSlack
	s.receiver.withdraw(c.id)
	what, err := judgeRows(c, out, err, ended, s.vendors.settle(c.id, err == nil && !ended.late))
	s.count("rows: " + what)
	if err != nil {
		s.violated(c, err)
	}
}

// answerEnd is how the hub's answer to a delivery ended.
type answerEnd struct {
	unanswered bool
	stopped    bool // the hub was ended, so that it need not have answered
	late       bool // the delivery's timeout had passed, or nearly: calls in progress were cancelled
}

// judgeRows checks the invariants of a delivery of rows:
//
//   - A row arrives as it was sent, and in a destination that stores a row each time, once at most.
//   - What the hub reports as delivered, the vendor confirmed; as rejected, it refused. Both are
//     exact unless the delivery ran into its timeout, which cancels calls in progress: then the
//     report is at most what the vendor counted.
//   - A row whose call got no whole answer may be stored though it is reported as failed. Where
//     another delivery would store it again, the message says that this may be so.
//   - A success delivered every row. Delivered, rejected and failed rows are all that were read,
//     and unless the source broke off or the delivery ended early, that is all rows.
//   - A request that Looker broke off delivers nothing.
func judgeRows(c soakCase, out outcome, err error, end answerEnd, l *rowLedger) (string, error) {
	if err := l.check(c); err != nil {
		return "damaged or doubled", err
	}
	if err != nil {
		return judgeUnanswered(c, err, end, l)
	}
	if c.hangUp && !out.Success && len(l.stored) == 0 {
		return "aborted by Looker, reported as failed", nil
	}
	r, err := readReport(out)
	if err == nil {
		err = l.compare(c, out, r, end)
	}
	if err != nil {
		return "reported wrongly", fmt.Errorf("%w; the hub returned an error: %t, %q; confirmed %d, stored %d, refused %d of %d rows",
			err, out.Success, out.Message, len(l.confirmed), len(l.stored), len(l.rejected), c.rows.rows)
	}
	switch {
	case out.Success:
		return "delivered", nil
	case end.late:
		return "failed at the timeout, and reported so", nil
	case c.rows.fault == "" && c.source == "":
		return "failed without a fault", fmt.Errorf("answered as failed although nothing was wrong: %s", out.Message)
	case r.delivered > 0:
		return "partly delivered, and reported so", nil
	}
	return "failed, and reported so", nil
}

func judgeUnanswered(c soakCase, err error, end answerEnd, l *rowLedger) (string, error) {
	switch {
	case c.hangUp && len(l.stored) > 0:
		return "truncated by Looker, delivered", fmt.Errorf("the request was aborted, but %d rows arrived", len(l.stored))
	case end.unanswered && c.hangUp:
		return "aborted by Looker, not delivered", nil
	case end.unanswered && end.stopped:
		return "unanswered: the hub was stopped", nil
	}
	return "no answer", fmt.Errorf("no proper answer: %w", err)
}

// check checks what arrived, whatever the hub says about it.
func (l *rowLedger) check(c soakCase) error {
	if l.damage != nil {
		return l.damage
	}
	for row, n := range l.stored {
		if n > 1 && c.rows.destination.once {
			return fmt.Errorf("row %s was stored %d times at a destination that must get it once", row, n)
		}
	}
	return nil
}

// compare holds a report against the ledger.
func (l *rowLedger) compare(c soakCase, out outcome, r report, end answerEnd) error {
	return errors.Join(l.compareDelivered(c, out, r, end), l.compareRejected(r, end), compareRead(c, out, r, end))
}

func (l *rowLedger) compareDelivered(c soakCase, out outcome, r report, end answerEnd) error {
	if n := len(l.confirmed); r.delivered > n || r.delivered < n && !end.late {
		return fmt.Errorf("%d rows are reported as delivered, but %d were confirmed", r.delivered, n)
	}
	unsure := len(l.stored) - len(l.confirmed) // a confirmed row is stored
	if unsure > 0 && c.rows.destination.once && !strings.Contains(out.Message, "may already") {
		return fmt.Errorf("%d rows were stored without an answer, and the message does not say that they may have been", unsure)
	}
	return nil
}

func (l *rowLedger) compareRejected(r report, end answerEnd) error {
	refused := len(l.rejected)
	if !r.counted && refused <= 1 {
		return nil
	}
	if r.rejected > refused || r.rejected < refused && !end.late {
		return fmt.Errorf("%d rows are reported as rejected, but %d were refused", r.rejected, refused)
	}
	return nil
}

func compareRead(c soakCase, out outcome, r report, end answerEnd) error {
	allRead := out.Success || c.source == "" && !end.late
	switch {
	case !r.counted:
		return nil
	case allRead && r.delivered+r.rejected+r.failed != r.read:
		return fmt.Errorf("%d rows are reported as read, but not as many as delivered, rejected or failed", r.read)
	case allRead && r.read != c.rows.rows, r.read > c.rows.rows:
		return fmt.Errorf("%d rows are reported as read", r.read)
	}
	return nil
}

// deliveryTimeout is the hubs', and timeoutSlack how long before it calls may be given up: a
// retry is not awaited that would come too late.
const (
	deliveryTimeout = 6 * time.Second
	timeoutSlack    = time.Second
)

// rowSeen is a row as it arrived.
type rowSeen struct{ id, check string }

// rowDestination is a vendor that takes rows.
type rowDestination struct {
	name, host string // the integration's and the vendor's
	// once means that the vendor stores a row as often as it gets it.
	once bool
	// attached means that the integration takes only data that is in the request.
	attached bool
	maxRows  int
	columns  string
	row      func(n int) string // the nth row's identifier
	fill     func(d *delivery)
	// read reads a call, and which delivery's it is. Calls without rows only ask.
	read func(c vendorCall) (id string, rows []rowSeen, err error)
	// answer makes the answer to a call, of which these rows are refused.
	answer func(c vendorCall, rows []rowSeen, refused map[int]bool) (status int, body any)
	// whole means that a call with a refused row stores none.
	whole bool
}

// vendorCall is a call of the hub's.
type vendorCall struct {
	method, path string
	bearer, user string // the credentials
	body         []byte
}

func columns(id, check string) string {
	return fmt.Sprintf(`{"name":"c.id","label":"Id","label_short":"Id","tags":[%q]},`+
		`{"name":"c.check","label":"Check","label_short":"Check","tags":[%q]}`, id, check)
}

func prefixed(prefix string) func(int) string {
	return func(n int) string { return prefix + strconv.Itoa(n+1) }
}

// decode decodes the JSON of a call.
func decode[T any](body []byte) (v T, err error) {
	if err = json.Unmarshal(body, &v); err != nil {
		err = fmt.Errorf("a call that is not JSON: %w", err)
	}
	return v, err
}
