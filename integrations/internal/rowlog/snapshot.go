package rowlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"sort"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/uuid"
)

// entry is a delivered row: fingerprints of its record's key and of its content.
//
// A row is skipped by mistake only if its key is in the snapshot and its new content has the
// fingerprint of the old one: once in 1.8e19 changes of a row.
type entry struct{ key, content uint64 }

const (
	entrySize = 16
	// keySize is the part of an entry that is the key.
	keySize = 8
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

// entries are those of a snapshot that is being made, in its stored form but without order and sum: magic and entries. A
// million entries are 16 MB, so that there must not be a second copy.
type entries []byte

var _ sort.Interface = entries(nil)

func (e entries) add(one entry) entries {
	if len(e) == 0 {
		e = append(e, snapshotMagic...)
	}
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(e, one.key), one.content)
}

// at returns the entry with an index, which is below Len.
func (e entries) at(n int) []byte { return e[len(snapshotMagic)+n*entrySize:][:entrySize] }

// Len implements [sort.Interface].
func (e entries) Len() int { return max(0, len(e)-len(snapshotMagic)) / entrySize }

// Less implements [sort.Interface], by the key.
func (e entries) Less(i, j int) bool { return bytes.Compare(e.at(i), e.at(j)) < 0 }

// Swap implements [sort.Interface].
func (e entries) Swap(i, j int) {
	one := [entrySize]byte(e.at(i))
	copy(e.at(i), e.at(j))
	copy(e.at(j), one[:])
}

// keep drops all entries but some, in the same memory.
func (e entries) keep(some *roaring.Bitmap) entries {
	if len(e) == 0 {
		return nil
	}
	kept := 0
	for all := some.Iterator(); all.HasNext(); kept++ {
		copy(e.at(kept), e.at(int(all.Next())))
	}
	return e[:len(snapshotMagic)+kept*entrySize]
}

// join returns the entries of both, in the memory of one of them if there is room.
func (e entries) join(other entries) entries {
	if cap(e)-len(e) < len(other) && cap(other) > cap(e) {
		e, other = other, e
	}
	if len(other) == 0 {
		return e
	}
	if room := cap(e) - len(e) - len(other); room < 0 {
		e = append(make(entries, 0, len(e)+len(other)+sha256.Size), e...)
	}
	if len(e) == 0 {
		return append(e, other...)
	}
	return append(e, other[len(snapshotMagic):]...)
}

// snapshot sorts the entries, and leaves out those of records with several rows: such rows must always be sent together,
// because the destination keeps the last one. It uses the same memory.
func (e entries) snapshot() snapshot {
	if len(e) == 0 {
		e = append(e, snapshotMagic...)
	}
	sort.Sort(e)
	kept := 0
	for n := 0; n < e.Len(); {
		end := n + 1
		for end < e.Len() && bytes.Equal(e.at(end)[:keySize], e.at(n)[:keySize]) {
			end++
		}
		if end == n+1 {
			copy(e.at(kept), e.at(n))
			kept++
		}
		n = end
	}
	out := e[:len(snapshotMagic)+kept*entrySize]
	sum := sha256.Sum256(out)
	return snapshot(append(out, sum[:]...))
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

// entries are the entries without the sum, in the same memory.
func (s snapshot) entries() entries {
	if s == nil {
		return nil
	}
	return entries(s[:len(s)-sha256.Size])
}

func (s snapshot) at(n int) entry {
	b := s.entries().at(n)
	return entry{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// find returns the index of the entry with a key, or -1.
func (s snapshot) find(key uint64) int {
	count := s.entries().Len()
	n := sort.Search(count, func(n int) bool { return s.at(n).key >= key })
	if n < count && s.at(n).key == key {
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
