package rowlog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/rowlog"
	"integrationhub.dev/integrations/internal/rows"
)

// record is a row: the key of its record, and its content.
type record struct{ key, content string }

func parse(text string) []record {
	var all []record
	for part := range strings.FieldsSeq(text) {
		key, content, _ := strings.Cut(part, "=")
		all = append(all, record{key, content})
	}
	return all
}

func table(records []record) *action.Table {
	cell := func(text string) action.Cell {
		quoted, err := json.Marshal(map[string]string{"value": text})
		if err != nil {
			panic(err)
		}
		return action.NewCell(jsontext.Value(quoted))
	}
	return action.NewTable([]action.Column{{Name: "id"}, {Name: "content", Label: "=Content"}}, nil, func(yield func(action.Row, error) bool) {
		for _, r := range records {
			if !yield(action.NewRow([]action.Cell{cell(r.key), cell(r.content)}), nil) {
				return
			}
		}
	})
}

func keyOf(row action.Row) string { return row.Cell(0).Text() }

// destination keeps the last content of each record.
type destination struct {
	records map[string]string
	sent    []string
	// fails are the contents that are rejected.
	fails map[string]bool
	// during is called once, with the first batch.
	during func()
}

func (d *destination) send(_ context.Context, batch []record) error {
	if d.during != nil {
		during := d.during
		d.during = nil
		during()
	}
	errs := map[int]error{}
	for n, r := range batch {
		d.sent = append(d.sent, r.key+"="+r.content)
		if d.fails[r.content] {
			errs[n] = action.Errorf(action.Invalid, "The content is bad.")
			continue
		}
		d.records[r.key] = r.content
	}
	return deliver.Partial(errs)
}

func request(only string) *action.Request {
	return &action.Request{
		Plan: action.Plan{ID: "17"}, Form: map[string]string{"only_changes": only}, Params: map[string]string{"token": "s3cret"},
	}
}

func run(ctx context.Context, l *rowlog.Log, req *action.Request, d *destination, all []record, key rowlog.Key) (string, error) {
	delivery, err := l.Begin(ctx, req, table(all), key)
	if err != nil {
		return "", err
	}
	items := rows.Convert(delivery.Table, func(row action.Row) (record, error) {
		r := record{row.Cell(0).Text(), row.Cell(1).Text()}
		if r.key == "" {
			return r, deliver.Reject(action.Errorf(action.Invalid, "A row has no ID."))
		}
		return r, nil
	})
	result := deliver.Batches(ctx, items, deliver.Options[record]{
		Size: 3, Key: func(r record) string { return r.key }, Outcome: delivery.Outcome,
	}, d.send)
	res, err := delivery.Response(ctx, result, "rows", "%d rows sent.")
	if err != nil {
		return "", err
	}
	return res.Message, nil
}

// Each step is a delivery of one schedule: its rows, and which of them are sent.
func TestOnlyChanges(t *testing.T) {
	t.Parallel()
	type step struct{ rows, sent, message string }
	for name, steps := range map[string][]step{
		"changed, new and removed": {
			{"a=1 b=1 c=1", "a=1 b=1 c=1", "3 rows sent."},
			{"a=1 b=2 c=1", "b=2", "1 rows sent. 2 unchanged rows were not sent again."},
			{"a=1 d=1", "d=1", "1 rows sent. 1 unchanged rows were not sent again."},
			{"a=1 c=1", "c=1", "1 rows sent. 1 unchanged rows were not sent again."},
		},
		"nothing changed": {
			{"a=1", "a=1", "1 rows sent."},
			{"a=1", "", "0 rows sent. 1 unchanged rows were not sent again."},
			{"a=1", "", "0 rows sent. 1 unchanged rows were not sent again."},
		},
		"there and back": {
			{"a=1", "a=1", "1 rows sent."},
			{"a=2", "a=2", "1 rows sent."},
			{"a=1", "a=1", "1 rows sent."},
		},
		"a failed row is sent again": {
			{"a=1 b=bad", "a=1 b=bad", "1 of 2 rows delivered, 1 rejected. The content is bad."},
			{"a=1 b=bad", "b=bad", "The content is bad. 1 unchanged rows were not sent again."},
			{"a=1 b=2", "b=2", "1 rows sent. 1 unchanged rows were not sent again."},
		},
		"a failed change leaves the old content unknown": {
			{"a=1", "a=1", "1 rows sent."},
			{"a=bad", "a=bad", "The content is bad."},
			{"a=1", "a=1", "1 rows sent."},
		},
		"several rows of a record are always sent": {
			{"a=1 a=2", "a=1 a=2", "2 rows sent."},
			{"a=2 a=1", "a=2 a=1", "2 rows sent."},
			{"a=1", "a=1", "1 rows sent."},
			{"a=1", "", "0 rows sent. 1 unchanged rows were not sent again."},
		},
		"the last row of a record wins": {
			{"a=1", "a=1", "1 rows sent."},
			{"a=2 a=1", "a=2 a=1", "2 rows sent."},
			{"a=1", "a=1", "1 rows sent."},
			{"a=1 a=3", "a=3", "1 rows sent. 1 unchanged rows were not sent again."},
			{"a=3", "", "0 rows sent. 1 unchanged rows were not sent again."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := rowlog.NewIn(newMemory(), false)
			d := &destination{records: map[string]string{}, fails: map[string]bool{"bad": true}}
			for n, s := range steps {
				d.sent = nil
				message, err := run(t.Context(), l, request("yes"), d, parse(s.rows), keyOf)
				if err != nil {
					message = action.MessageOf(err)
				}
				if got := strings.Join(d.sent, " "); got != s.sent {
					t.Errorf("delivery %d sent %q, want %q", n+1, got, s.sent)
				}
				if message != s.message {
					t.Errorf("delivery %d: message %q, want %q", n+1, message, s.message)
				}
			}
		})
	}
}

// A delivery of all rows makes the digests wrong: the row that was sent before it must be sent again.
func TestAllRowsBetween(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bucket := newMemory()
		l := rowlog.NewIn(bucket, false)
		d := &destination{records: map[string]string{}}
		for _, step := range []struct{ only, rows string }{{"yes", "a=1 b=1"}, {"no", "a=2 b=1"}, {"yes", "a=1 b=1"}, {"yes", "a=1 b=2"}} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			if _, err := run(ctx, l, request(step.only), d, parse(step.rows), keyOf); err != nil {
				t.Fatal(err)
			}
			cancel()
			for _, r := range parse(step.rows) {
				if got := d.records[r.key]; got != r.content {
					t.Errorf("the destination has %s=%s, want %s", r.key, got, r.content)
				}
			}
			time.Sleep(2 * time.Hour)
		}
		bucket.err = errStore
		message, err := run(t.Context(), l, request("no"), d, parse("a=3"), keyOf)
		if err != nil || !strings.HasPrefix(message, "1 rows sent. What earlier deliveries of only changed rows sent could not be discarded.") {
			t.Errorf("message %q, error %v", message, err)
		}
	})
}

// Rows without a key, such as events, are the same if all their columns are.
func TestEvents(t *testing.T) {
	t.Parallel()
	l := rowlog.NewIn(newMemory(), false)
	d := &destination{records: map[string]string{}}
	for n, want := range []string{"a=1 a=2", "a=3"} {
		d.sent = nil
		if _, err := run(t.Context(), l, request("yes"), d, parse([]string{"a=1 a=2", "a=1 a=2 a=3"}[n]), nil); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(d.sent, " "); got != want {
			t.Errorf("sent %q, want %q", got, want)
		}
	}
}

// Whatever fails, is killed or overlaps: after a delivery that could send everything, the destination
// has the last row of each record.
func TestDestinationHasTheResult(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		result := func() []record {
			var all []record
			for range random.IntN(12) {
				all = append(all, record{string(rune('a' + random.IntN(5))), fmt.Sprint(random.IntN(3))})
			}
			return all
		}
		synctest.Test(t, func(t *testing.T) {
			bucket := newMemory()
			l := rowlog.NewIn(bucket, random.IntN(2) == 0)
			d := &destination{records: map[string]string{}}
			for range 12 {
				time.Sleep(time.Duration(random.IntN(90)) * time.Minute)
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				all := result()
				d.fails = nil
				switch random.IntN(5) {
				case 0: // some rows fail
					d.fails = map[string]bool{fmt.Sprint(random.IntN(3)): true}
				case 1: // another delivery runs meanwhile
					other := result()
					d.during = func() { _, _ = run(ctx, l, request("yes"), d, other, keyOf) }
				case 2: // killed
					if delivery, err := l.Begin(ctx, request("yes"), table(all), keyOf); err == nil {
						for row := range delivery.Rows() {
							if random.IntN(2) == 0 {
								break
							}
							d.records[row.Cell(0).Text()] = row.Cell(1).Text()
						}
					}
					cancel()
					continue
				}
				overlapped := d.during != nil
				only := "yes"
				if !overlapped && random.IntN(3) == 0 {
					only = "no"
				}
				_, err := run(ctx, l, request(only), d, all, keyOf)
				cancel()
				if err != nil && d.fails == nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				if d.fails != nil || overlapped && d.during == nil {
					continue
				}
				d.during = nil
				for _, r := range lastOf(all) {
					if got := d.records[r.key]; got != r.content {
						t.Fatalf("seed %d: the destination has %s=%s, the result %s=%s (%v)", seed, r.key, got, r.key, r.content, all)
					}
				}
			}
		})
	}
}

// lastOf returns the last row of each record.
func lastOf(all []record) []record {
	var last []record
	for n, r := range all {
		if !slices.ContainsFunc(all[n+1:], func(later record) bool { return later.key == r.key }) {
			last = append(last, r)
		}
	}
	return last
}

// A delivery that overlaps another leaves no snapshot, and neither do those that begin while it may
// still run.
func TestOverlap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bucket := newMemory()
		l := rowlog.NewIn(bucket, false)
		d := &destination{records: map[string]string{}}
		deliverAll := func() string {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			message, err := run(ctx, l, request("yes"), d, parse("a=1 b=1"), keyOf)
			if err != nil {
				t.Fatal(err)
			}
			return message
		}
		killed, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := l.Begin(killed, request("yes"), table(nil), keyOf); err != nil {
			t.Fatal(err)
		}
		const overlap = "2 rows sent. The next delivery sends all rows, because what was delivered could not be stored."
		for n, want := range []string{overlap, overlap, "2 rows sent.", "0 rows sent. 2 unchanged rows were not sent again."} {
			if got := deliverAll(); got != want {
				t.Errorf("delivery %d: message %q, want %q", n+1, got, want)
			}
			time.Sleep(33 * time.Minute)
		}
	})
}

// A snapshot belongs to one schedule with its settings and form.
func TestSchedules(t *testing.T) {
	t.Parallel()
	bucket := newMemory()
	l := rowlog.NewIn(bucket, false)
	for name, change := range map[string]func(*action.Request){
		"the first":          func(*action.Request) {},
		"another schedule":   func(r *action.Request) { r.Plan.ID = "18" },
		"another Looker":     func(r *action.Request) { r.InstanceID = "other" },
		"another list":       func(r *action.Request) { r.Form["list"] = "2" },
		"another account":    func(r *action.Request) { r.Params["token"] = "other" },
		"names are no texts": func(r *action.Request) { r.Params = map[string]string{"toke": "ns3cret"} },
	} {
		req := request("yes")
		change(req)
		d := &destination{records: map[string]string{}}
		if _, err := run(t.Context(), l, req, d, parse("a=1"), keyOf); err != nil {
			t.Fatal(err)
		}
		if len(d.sent) != 1 {
			t.Errorf("%s: sent %v", name, d.sent)
		}
	}
	for _, name := range bucket.names() {
		if strings.Contains(name, "cret") || len(name) > 100 {
			t.Errorf("object %q", name)
		}
	}
}

func TestOnlyChangesFails(t *testing.T) {
	t.Parallel()
	d := &destination{records: map[string]string{}}
	bucket := newMemory()
	l := rowlog.NewIn(bucket, false)
	manual := request("yes")
	manual.Plan.ID = ""
	if _, err := run(t.Context(), l, manual, d, parse("a=1"), keyOf); action.KindOf(err) != action.Invalid {
		t.Errorf("without a schedule: %v", err)
	}
	mirrored := request("yes")
	mirrored.Form["mirror"] = "yes"
	if _, err := run(t.Context(), l, mirrored, d, parse("a=1"), keyOf); action.MessageOf(err) != "Mirror mode needs all rows. Choose all rows, or do not mirror." {
		t.Errorf("mirrored: %v", err)
	}
	if _, err := run(t.Context(), l, request("maybe"), d, nil, keyOf); action.KindOf(err) != action.Invalid {
		t.Errorf("an invalid value: %v", err)
	}
	bucket.err = action.Errorf(action.Forbidden, "Amazon S3 denied access.")
	_, err := run(t.Context(), l, request("yes"), d, parse("a=1"), keyOf)
	const want = "The hub could not read what the last delivery sent. Amazon S3 denied access."
	if action.KindOf(err) != action.Forbidden || action.MessageOf(err) != want {
		t.Errorf("error %v, want %q", err, want)
	}
	if len(d.sent) != 0 {
		t.Errorf("sent %v", d.sent)
	}
}

// A damaged or foreign object is like none.
func TestDamagedSnapshot(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func([]byte) []byte{
		"a bit":   func(b []byte) []byte { b[12] ^= 1; return b },
		"cut":     func(b []byte) []byte { return b[:len(b)-16] },
		"empty":   func([]byte) []byte { return []byte{} },
		"foreign": func([]byte) []byte { return []byte(strings.Repeat("hello ", 20)) },
	} {
		bucket := newMemory()
		l := rowlog.NewIn(bucket, false)
		d := &destination{records: map[string]string{}}
		for range 2 {
			d.sent = nil
			if _, err := run(t.Context(), l, request("yes"), d, parse("a=1 b=1"), keyOf); err != nil {
				t.Fatal(err)
			}
			object := bucket.names()[0]
			bucket.objects[object] = damage(bucket.objects[object])
		}
		if diff := cmp.Diff([]string{"a=1", "b=1"}, d.sent); diff != "" {
			t.Errorf("%s: sent (-want +got):\n%s", name, diff)
		}
	}
}

// Without a bucket, or with all rows to send, nothing is stored or held back.
func TestOff(t *testing.T) {
	t.Parallel()
	bucket := newMemory()
	for name, l := range map[string]*rowlog.Log{"no bucket": nil, "all rows": rowlog.NewIn(bucket, false)} {
		d := &destination{records: map[string]string{}}
		for range 2 {
			message, err := run(t.Context(), l, request("no"), d, parse("a=1"), keyOf)
			if err != nil || message != "1 rows sent." {
				t.Errorf("%s: message %q, error %v", name, message, err)
			}
		}
		if len(d.sent) != 2 || len(bucket.names()) != 0 {
			t.Errorf("%s: sent %v, stored %v", name, d.sent, bucket.names())
		}
	}
	if fields := (*rowlog.Log)(nil).Fields(); len(fields) != 0 {
		t.Errorf("fields %v", fields)
	}
}

// Two deliveries that begin at the same moment both read the same version. One of them begins again.
func TestBeginRace(t *testing.T) {
	t.Parallel()
	bucket := newMemory()
	l := rowlog.NewIn(bucket, false)
	d := &destination{records: map[string]string{}}
	raced := false
	bucket.beforePut = func(string) {
		if raced {
			return
		}
		raced = true
		if _, err := l.Begin(t.Context(), request("yes"), table(nil), keyOf); err != nil {
			t.Error(err)
		}
	}
	message, err := run(t.Context(), l, request("yes"), d, parse("a=1"), keyOf)
	if err != nil || !strings.Contains(message, "The next delivery sends all rows") {
		t.Errorf("message %q, error %v", message, err)
	}
	bucket.beforePut = func(name string) {
		bucket.mu.Lock()
		defer bucket.mu.Unlock()
		bucket.version[name]++
	}
	if _, err := run(t.Context(), l, request("yes"), d, parse("a=1"), keyOf); action.KindOf(err) != action.Unavailable {
		t.Errorf("with endless changes: %v", err)
	}
}

var errStore = errors.New("the bucket is gone")

// Failing to store digests after the rows were delivered is not a failed delivery.
func TestEndFails(t *testing.T) {
	t.Parallel()
	bucket := newMemory()
	l := rowlog.NewIn(bucket, false)
	d := &destination{records: map[string]string{}, during: func() {
		bucket.mu.Lock()
		defer bucket.mu.Unlock()
		bucket.err = errStore
	}}
	message, err := run(t.Context(), l, request("yes"), d, parse("a=1"), keyOf)
	const want = "1 rows sent. The next delivery sends all rows, because what was delivered could not be stored."
	if err != nil || message != want {
		t.Errorf("message %q, error %v", message, err)
	}
}

// A million rows: the peak of the heap, with a collector that runs often. The first delivery sends all
// rows, and the second one none.
func BenchmarkOnlyChanges(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	const total = 1_000_000
	columns := table(nil).Columns
	rows := func(yield func(action.Row, error) bool) {
		for n := range total {
			if !yield(action.NewRow([]action.Cell{action.NewCell(fmt.Appendf(nil, `{"value":%d}`, n))}), nil) {
				return
			}
		}
	}
	for b.Loop() {
		l := rowlog.NewIn(newMemory(), false)
		for _, name := range []string{"MiB-first", "MiB-unchanged"} {
			base, peak := actiontest.LiveHeap(), uint64(0)
			delivery, err := l.Begin(b.Context(), request("yes"), action.NewTable(columns, nil, rows), keyOf)
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for range delivery.Rows() {
				delivery.Outcome(n, nil)
				if n++; n%50_000 == 0 {
					peak = max(peak, heap())
				}
			}
			if _, err := delivery.Response(b.Context(), &deliver.Result{}, "rows", "%d rows sent."); err != nil {
				b.Fatal(err)
			}
			peak = max(peak, heap())
			b.ReportMetric(float64(peak-base)/(1<<20), name)
		}
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
