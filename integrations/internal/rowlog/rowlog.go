// Package rowlog keeps what a delivery of rows leaves in the administrator's bucket: the rejected rows,
// for people to correct, and digests of the delivered ones, so that the next delivery of the schedule
// can send only what changed.
package rowlog

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/rowbucket"
	"integrationhub.dev/integrations/internal/rows"
)

// settings are the hub's. All integrations share them.
type settings struct {
	// Rejected stores rejected rows. It has no effect without a bucket.
	Rejected bool `env:"ROWS_BUCKET_REJECTED"`
}

// Log is the bucket, as one integration uses it. A nil Log keeps nothing.
type Log struct {
	bucket      rowbucket.Bucket
	rejected    bool
	integration string
	log         *slog.Logger
}

// New returns the log of an integration, or nil if the administrator set no bucket.
func New(deps action.Deps, integration string) (*Log, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	bucket, err := rowbucket.New(deps)
	if err != nil || bucket == nil {
		return nil, err
	}
	return &Log{bucket: bucket, rejected: s.Rejected, integration: integration, log: deps.Log}, nil
}

// Fields are the log's fields of the form: none without a bucket.
func (l *Log) Fields() []action.Field {
	if l == nil {
		return nil
	}
	return []action.Field{{
		Name: onlyChangesField, Label: "Rows to Send", Type: action.Select, Default: "no",
		Description: "Only what changed needs a schedule: a row that its last delivery sent is not sent again while it stays the same.",
		Options:     []action.Option{{Name: "no", Label: "All rows"}, {Name: "yes", Label: "Only rows that changed"}},
	}}
}

// onlyChangesField is the field of the form, also in [input].
const onlyChangesField = "only_changes"

type input struct {
	OnlyChanges bool `form:"only_changes"`
	// Mirror is the field of package mirror, which must see all rows.
	Mirror bool `form:"mirror"`
}

// Key returns the key of the record that a row changes, or "" if it has none.
type Key func(action.Row) string

// Delivery is one delivery of rows. The rows of its table are the source of [deliver.Batches], one
// item for each row, in their order.
type Delivery struct {
	*action.Table

	log      *Log
	changes  *changes
	rejected *rejected
	// forgetErr is why digests could not be discarded that this delivery makes wrong.
	forgetErr error

	mu sync.Mutex
	// read is the number of items so far. pending are those whose outcome is open.
	read    int
	pending map[int]pendingRow
	// unnamed means that rows failed which the destination did not name.
	unnamed bool
}

type pendingRow struct {
	row action.Row
	// record is set for a delivery without a table.
	record []string
	entry  entry
}

// Begin starts a delivery. key may be nil for rows that are records of their own, such as events. The
// caller must end with [Delivery.Response].
func (l *Log) Begin(ctx context.Context, req *action.Request, table *action.Table, key Key) (*Delivery, error) {
	d := &Delivery{Table: table, log: l}
	if l == nil {
		return d, nil
	}
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	if !in.OnlyChanges && req.Plan.ID != "" {
		d.forgetErr = forgetChanges(ctx, l.bucket, l.snapshotName(req))
	}
	if in.OnlyChanges {
		switch {
		case in.Mirror:
			return nil, action.InvalidField(onlyChangesField, "Mirror mode needs all rows. Choose all rows, or do not mirror.")
		case req.Plan.ID == "":
			return nil, action.InvalidField(onlyChangesField, "Only rows that changed can be sent by a schedule. Choose all rows, or create a schedule.")
		}
		if d.changes, err = beginChanges(ctx, l.bucket, l.snapshotName(req), key); err != nil {
			return nil, err
		}
	}
	if l.rejected {
		d.rejected = newRejected(titles(table))
	}
	if d.changes != nil || d.rejected != nil {
		d.pending = map[int]pendingRow{}
		d.Table = table.WithRows(d.rows(table))
	}
	return d, nil
}

// Keep starts a delivery of which only the rows that are not delivered are kept, for a destination that gets all rows
// each time. The caller calls [Delivery.Item] for each item, and ends with [Delivery.Store].
func (l *Log) Keep(table *action.Table) *Delivery {
	d := l.KeepRecords(titles(table))
	d.Table = table
	return d
}

// KeepRecords is [Log.Keep] for a result that is not a table: [Delivery.Record] takes the place of [Delivery.Item].
func (l *Log) KeepRecords(header []string) *Delivery {
	d := &Delivery{log: l}
	if l != nil && l.rejected {
		d.rejected, d.pending = newRejected(header), map[int]pendingRow{}
	}
	return d
}

// Item says which row the next item in the source of [deliver.Batches] is made of. A row may have several.
func (d *Delivery) Item(row action.Row) {
	if d.pending != nil {
		d.expect(pendingRow{row: row})
	}
}

// Record says which record the next item in the source of [deliver.Batches] is made of. The caller may overwrite it later.
func (d *Delivery) Record(record []string) {
	if d.pending != nil {
		d.expect(pendingRow{record: slices.Clone(record)})
	}
}

func (d *Delivery) expect(p pendingRow) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pending[d.read] = p
	d.read++
}

// rows yields the rows that must be sent.
func (d *Delivery) rows(table *action.Table) iter.Seq2[action.Row, error] {
	return func(yield func(action.Row, error) bool) {
		for row, err := range table.Rows() {
			if err == nil && !d.keep(table, row) {
				continue
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// keep reports whether a row must be sent.
func (d *Delivery) keep(table *action.Table, row action.Row) bool {
	var p pendingRow
	if d.changes != nil {
		p.entry = d.changes.entryOf(table, row)
		if d.changes.skip(p.entry) {
			return false
		}
	}
	if d.rejected != nil {
		p.row = row
	}
	d.expect(p)
	return true
}

// Outcome is for [deliver.Options].
func (d *Delivery) Outcome(index int, err error) {
	if d.pending == nil {
		return
	}
	d.mu.Lock()
	p, ok := d.pending[index]
	delete(d.pending, index)
	d.mu.Unlock()
	switch {
	case !ok:
	case err == nil && d.changes != nil:
		d.changes.delivered(p.entry)
	case err != nil && d.rejected != nil && p.record != nil:
		d.rejected.add(p.record, err)
	case err != nil && d.rejected != nil:
		d.rejected.add(recordOf(d.Table, p.row), err)
	}
}

// Unnamed is for an item that stands for others: the destination said how many failed, but not which.
func (d *Delivery) Unnamed(index int) {
	if d.pending == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.pending, index)
	d.unnamed = true
}

// storeTimeout limits what is stored after a delivery, whose own time may be over.
const storeTimeout = 2 * time.Minute

// Response answers the delivery, like [rows.Response], and stores what the log keeps. Failing to store
// does not make the delivery fail.
func (d *Delivery) Response(ctx context.Context, result *deliver.Result, itemName, format string) (*action.Response, error) {
	notes := d.Store(ctx, itemName)
	res, err := rows.Response(result, itemName, format)
	if err == nil && notes != "" {
		res.Message += " " + notes
	}
	return res, WithNote(err, notes)
}

// WithNote adds a sentence for the Looker user to an error.
func WithNote(err error, note string) error {
	if err == nil || note == "" {
		return err
	}
	return action.Wrap(err, action.KindOf(err), "%s %s", action.MessageOf(err), note)
}

// Store stores what the log keeps, for integrations that do not use [Delivery.Response]. It returns
// sentences for the Looker user, or "".
func (d *Delivery) Store(ctx context.Context, itemName string) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	var notes []string
	if d.forgetErr != nil {
		d.log.log.WarnContext(ctx, "the digests of delivered rows could not be discarded", "integration", d.log.integration, "error", d.forgetErr)
		notes = append(notes, "What earlier deliveries of only changed "+itemName+" sent could not be discarded. Send all "+itemName+
			" again before you send only those that changed.")
	}
	if d.changes != nil {
		if n := d.changes.skipped; n > 0 {
			notes = append(notes, fmt.Sprintf("%d unchanged %s were not sent again.", n, itemName))
		}
		if err := d.changes.end(ctx); err != nil {
			d.log.log.WarnContext(ctx, "the digests of delivered rows could not be stored", "integration", d.log.integration, "error", err)
			notes = append(notes, "The next delivery sends all "+itemName+", because what was delivered could not be stored.")
		}
	}
	if d.rejected != nil && d.rejected.count > 0 {
		address, err := d.rejected.store(ctx, d.log)
		if err != nil {
			d.log.log.WarnContext(ctx, "rows that were not delivered could not be stored", "integration", d.log.integration, "error", err)
			notes = append(notes, fmt.Sprintf("The %s that were not delivered could not be stored: %s", itemName, action.MessageOf(err)))
		} else {
			notes = append(notes, d.rejected.note(itemName, address, d.unnamed))
		}
	}
	return strings.Join(notes, " ")
}
