package rowlog

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/rowbucket"
)

// changes is one delivery of only the rows that changed.
//
// The snapshot in the bucket must never claim that the destination has a row that it lacks. So a
// delivery first replaces it by a marker, and replaces its own marker by a new snapshot at its end:
//
//   - A delivery that is killed leaves its marker. The next one sends all rows.
//   - Deliveries of the same schedule that overlap cannot tell whose row arrived last. The later one
//     finds the marker of the other, and leaves no snapshot; the earlier one finds that its marker was
//     replaced. The next delivery sends all rows.
//   - A marker says until when its delivery may run. After that the delivery was killed.
//
// Both are decided by conditional writes, so that two hubs cannot both succeed.
type changes struct {
	bucket rowbucket.Bucket
	name   string
	marker rowbucket.Version
	// overlap is until when another delivery may run; zero if none does.
	overlap time.Time

	key  Key
	sum  hash.Hash
	size [8]byte

	last snapshot
	// sent and kept are the entries of last with a row that was sent, and with one that was not.
	sent, kept *roaring.Bitmap
	skipped    int

	mu sync.Mutex
	// next are the delivered rows.
	next entries
}

// maxDelivery is for a delivery without a deadline. clockSkew is how much clocks of hubs may differ.
const (
	maxDelivery = 24 * time.Hour
	clockSkew   = 5 * time.Minute
)

// maxAttempts bounds how often a delivery begins again because another one did so at the same time.
const maxAttempts = 5

const snapshotType = "application/octet-stream"

func beginChanges(ctx context.Context, bucket rowbucket.Bucket, name string, key Key) (*changes, error) {
	c := &changes{bucket: bucket, name: name, key: key, sum: sha256.New(), sent: roaring.New(), kept: roaring.New()}
	for range maxAttempts {
		err := c.begin(ctx)
		if err == nil {
			return c, nil
		}
		if !errors.Is(err, rowbucket.ErrChanged) {
			return nil, action.Wrap(err, action.KindOf(err), "The hub could not read what the last delivery sent. %s", action.MessageOf(err))
		}
	}
	return nil, action.Errorf(action.Unavailable, "Other deliveries of this schedule are running. Try again later.")
}

func (c *changes) begin(ctx context.Context) error {
	object, version, err := c.bucket.Get(ctx, c.name, maxObject)
	if err != nil && !errors.Is(err, rowbucket.ErrAbsent) {
		return err
	}
	c.last, c.overlap = nil, time.Time{}
	if until, ok := markerTime(object); !ok {
		c.last = decode(object)
	} else if time.Until(until) > 0 {
		c.overlap = until
	}
	c.marker, err = c.bucket.Put(ctx, c.name, snapshotType, version, newMarker(runsUntil(ctx)))
	return err
}

// forgetChanges discards the snapshot of a schedule that sends all rows this time: the destination will have rows
// that the snapshot does not know.
func forgetChanges(ctx context.Context, bucket rowbucket.Bucket, name string) (err error) {
	for range maxAttempts {
		var version rowbucket.Version
		if _, version, err = bucket.Get(ctx, name, maxObject); errors.Is(err, rowbucket.ErrAbsent) {
			return nil
		}
		if err == nil {
			_, err = bucket.Put(ctx, name, snapshotType, version, newMarker(runsUntil(ctx)))
		}
		if !errors.Is(err, rowbucket.ErrChanged) {
			return err
		}
	}
	return err
}

// runsUntil is when a delivery has ended at the latest.
func runsUntil(ctx context.Context) time.Time {
	until, ok := ctx.Deadline()
	if !ok {
		until = time.Now().Add(maxDelivery)
	}
	return until.Add(clockSkew)
}

// entryOf returns the fingerprints of a row: of its key, and of the values of all columns. Without a
// key the row is its own.
func (c *changes) entryOf(table *action.Table, row action.Row) entry {
	c.sum.Reset()
	for n, column := range table.Columns {
		cell := row.Cell(n)
		value := cell.Value()
		if value == nil {
			value = cell.Raw() // a pivoted column
		}
		c.write([]byte(column.Name))
		c.write(value)
	}
	var out [sha256.Size]byte
	c.sum.Sum(out[:0])
	e := entry{key: binary.BigEndian.Uint64(out[8:]), content: binary.BigEndian.Uint64(out[:])}
	if c.key != nil {
		key := sha256.Sum256([]byte(c.key(row)))
		e.key = binary.BigEndian.Uint64(key[:])
	}
	return e
}

// write adds a text and its length, so that "ab","c" differs from "a","bc".
func (c *changes) write(text []byte) {
	binary.BigEndian.PutUint64(c.size[:], uint64(len(text)))
	_, _ = c.sum.Write(c.size[:])
	_, _ = c.sum.Write(text)
}

// skip reports whether the last delivery sent this row and nothing has changed since. A row is not
// skipped after another row of its record was sent: the destination keeps the last one.
func (c *changes) skip(e entry) bool {
	n := c.last.find(e.key)
	if n < 0 {
		return false
	}
	at := uint32(n) //nolint:gosec // at most maxEntries
	if c.last.at(n).content == e.content && !c.sent.Contains(at) {
		c.kept.Add(at)
		c.skipped++
		return true
	}
	c.sent.Add(at)
	return false
}

func (c *changes) delivered(e entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next.Len() <= maxEntries {
		c.next = c.next.add(e)
	}
}

// end replaces the marker by the snapshot.
func (c *changes) end(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept.AndNot(c.sent) // a record with rows of both kinds is known by those that were sent
	if !c.overlap.IsZero() {
		_, err := c.bucket.Put(ctx, c.name, snapshotType, c.marker, newMarker(c.overlap))
		return errors.Join(errOverlap, err)
	}
	if c.next.Len()+int(c.kept.GetCardinality()) > maxEntries { //nolint:gosec // at most maxEntries
		return errTooManyRows
	}
	all := c.last.entries().keep(c.kept).join(c.next)
	c.last, c.next = nil, nil // only one of them is needed now, whose memory all has
	_, err := c.bucket.Put(ctx, c.name, snapshotType, c.marker, all.snapshot())
	return err
}

var errOverlap = errors.New("another delivery of the schedule was running at the same time")

// snapshotName is the object of a schedule. Other settings, another form or another Looker have another
// one: the rows may belong to another account or list.
func (l *Log) snapshotName(req *action.Request) string {
	sum := sha256.New()
	add := func(text string) {
		_ = binary.Write(sum, binary.BigEndian, uint64(len(text)))
		_, _ = io.WriteString(sum, text)
	}
	add(req.InstanceID)
	add(req.Plan.ID)
	for _, values := range []map[string]string{req.Params, req.Form} {
		add("values")
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if name == onlyChangesField {
				continue // a delivery of all rows must find what it makes wrong
			}
			add(name)
			add(values[name])
		}
	}
	return fmt.Sprintf("sent/%s/%s", l.integration, hex.EncodeToString(sum.Sum(nil)))
}
