package rowlog

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"sort"
	"time"

	"github.com/google/uuid"
)

// entry is a delivered row: fingerprints of its record's key and of its content.
//
// A row is skipped by mistake only if its key is in the snapshot and its new content has the
// fingerprint of the old one: once in 1.8e19 changes of a row.
type entry struct{ key, content uint64 }

func (e entry) compare(other entry) int {
	return cmp.Or(cmp.Compare(e.key, other.key), cmp.Compare(e.content, other.content))
}

const (
	entrySize = 16
	// maxEntries bounds a snapshot's memory to 32 MiB.
	maxEntries = 2 << 20
	// maxObject is the maximum size of a snapshot in the bucket.
	maxObject = int64(maxEntries*entrySize + len(snapshotMagic) + sha256.Size)
)

// Objects begin with their format.
const (
	snapshotMagic = "IHSENT01"
	markerMagic   = "IHMARK01"
)

var errTooManyRows = errors.New("the result has more rows than a snapshot can have")

// snapshot is the entries of the last delivery: magic, entries in order, and the SHA-256 of all that.
// It is searched in its stored form.
type snapshot []byte

// encode sorts the entries. Those of records with several rows are left out: such rows must always be
// sent together, because the destination keeps the last one.
func encode(entries []entry) snapshot {
	slices.SortFunc(entries, entry.compare)
	out := append(make([]byte, 0, len(snapshotMagic)+len(entries)*entrySize+sha256.Size), snapshotMagic...)
	for n := 0; n < len(entries); {
		end := n + 1
		for end < len(entries) && entries[end].key == entries[n].key {
			end++
		}
		if end == n+1 {
			out = binary.BigEndian.AppendUint64(out, entries[n].key)
			out = binary.BigEndian.AppendUint64(out, entries[n].content)
		}
		n = end
	}
	sum := sha256.Sum256(out)
	return append(out, sum[:]...)
}

// decode returns a stored snapshot. A damaged one is like none: all rows are sent.
func decode(object []byte) snapshot {
	body := len(object) - sha256.Size
	if body < len(snapshotMagic) || !bytes.HasPrefix(object, []byte(snapshotMagic)) || (body-len(snapshotMagic))%entrySize != 0 {
		return nil
	}
	if sum := sha256.Sum256(object[:body]); !bytes.Equal(sum[:], object[body:]) {
		return nil
	}
	return object
}

// entries is the number of entries.
func (s snapshot) entries() int {
	if s == nil {
		return 0
	}
	return (len(s) - len(snapshotMagic) - sha256.Size) / entrySize
}

func (s snapshot) at(n int) entry {
	b := s[len(snapshotMagic)+n*entrySize:]
	return entry{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// find returns the index of the entry with a key, or -1.
func (s snapshot) find(key uint64) int {
	n := sort.Search(s.entries(), func(n int) bool { return s.at(n).key >= key })
	if n < s.entries() && s.at(n).key == key {
		return n
	}
	return -1
}

// newMarker replaces the snapshot while a delivery runs, until a time at the latest. Its random ID makes
// each marker another version.
func newMarker(until time.Time) []byte {
	id := uuid.New()
	m := append([]byte(markerMagic), id[:]...)
	return binary.BigEndian.AppendUint64(m, uint64(until.Unix())) //nolint:gosec // after 1970
}

// markerTime returns the time until which the delivery with this marker may run.
func markerTime(object []byte) (until time.Time, ok bool) {
	const size = len(markerMagic) + 16
	if len(object) != size+8 || !bytes.HasPrefix(object, []byte(markerMagic)) {
		return time.Time{}, false
	}
	return time.Unix(int64(binary.BigEndian.Uint64(object[size:])), 0), true //nolint:gosec // as written
}
