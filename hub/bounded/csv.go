package bounded

import "io"

// NewCSV returns a reader of r for a CSV decoder. It fails with [TooLarge] when a record has more
// than limit bytes; 0 means [DefaultLimit].
func NewCSV(r io.Reader, limit int64) io.Reader {
	return &csvReader{src: r, limit: orDefault(limit)}
}

type csvReader struct {
	src    io.Reader
	limit  int64
	held   heldBack
	record recordScan
}

// Read implements [io.Reader].
func (r *csvReader) Read(p []byte) (int, error) {
	if !r.held.empty() {
		return r.held.read(p), nil
	}
	if r.record.size > scanFrom(r.limit) {
		return r.held.next(p, r.src, &r.record, r.limit, r.record.size)
	}
	n, err := r.src.Read(p)
	if r.record.follow(p[:n]); r.record.fields > MaxColumns {
		return 0, TooManyColumns()
	}
	return n, err
}

// recordScan counts the bytes of the current record (RFC 4180: a line break outside of quotes ends
// it).
type recordScan struct {
	quoted bool
	size   int64
	fields int // separators in the widest record
	commas int // separators in the current record
}

// follow scans input with any number of records.
func (s *recordScan) follow(b []byte) {
	for _, c := range b {
		s.next(c)
	}
}

// next scans a byte and reports whether it ends a record.
func (s *recordScan) next(c byte) bool {
	s.size++
	switch {
	case c == '"':
		s.quoted = !s.quoted
	case s.quoted:
	case c == ',':
		s.commas++
		s.fields = max(s.fields, s.commas)
	case c == '\n':
		s.size, s.commas = 0, 0
		return true
	}
	return false
}

// scan implements [scan]. The record ends at the first line break; what follows is counted as
// the beginning of the next one.
func (s *recordScan) scan(b []byte) (int, bool) {
	for i, c := range b {
		if s.next(c) {
			s.follow(b[i+1:])
			return i + 1, true
		}
	}
	return len(b), false
}
