// Package objectstore is what writing to object stores has in common: data of unknown length
// becomes an object in parts, and is visible only once all of it has arrived.
package objectstore

import (
	"context"
	"fmt"
	"io"
	"sync"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/panics"
)

// Object is an object on its way to a store. Its methods retry by themselves what fails for
// the moment, and return errors fit for the Looker user.
type Object interface {
	// Put writes the whole object in one call.
	Put(ctx context.Context, body []byte) error
	// Begin begins an upload in parts.
	Begin(ctx context.Context) error
	// Part sends a part; the first has the number 1. Unless the plan is ordered, several are
	// sent at once. The buffer is used again when Part returns, but for that of the last.
	Part(ctx context.Context, number int, body []byte) error
	// Complete makes the object of so many parts visible.
	Complete(ctx context.Context, parts int) error
	// Abort removes the parts that were sent, if it can. No other call is under way.
	Abort(ctx context.Context)
}

// Stage is a run of parts of one size.
type Stage struct {
	// Size is how many bytes each part has, but for the last one of all.
	Size int
	// Parts is how many there are at most.
	Parts int
	// Buffers is how many are held at once, one of them being filled.
	Buffers int
}

// Plan says how objects are cut into parts. Parts that grow make room for long data without
// costing a small file the memory of a large one.
type Plan struct {
	// Destination is what people call the store.
	Destination string
	Stages      []Stage
	// Ordered is for stores that take a part only after the one before it.
	Ordered bool
}

// Write sends the data. Data of less than a part goes in one call; longer data in parts that
// are put together at the end, and removed where the data breaks off or anything else fails.
func (p Plan) Write(ctx context.Context, data action.Data, o Object) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	src, err := data.Open(ctx) // a part that fails ends the reading too
	if err != nil {
		return err
	}
	defer src.Close()
	first, err := readFirst(src, p.Stages[0].Size)
	switch {
	case err != nil:
		return fmt.Errorf("reading the data: %w", err)
	case len(first) < p.Stages[0].Size:
		return o.Put(ctx, first)
	}
	if err := o.Begin(ctx); err != nil {
		return err
	}
	w := &writing{plan: p, object: o, cancel: cancel}
	w.send(ctx, first, src)
	// Whatever went wrong first is the context's cause; what followed from it is not told.
	if err = context.Cause(ctx); err == nil {
		err = o.Complete(ctx, w.parts)
	}
	if err != nil {
		o.Abort(ctx)
	}
	return err
}

// writing is one upload in parts.
type writing struct {
	plan   Plan
	object Object
	cancel context.CancelCauseFunc
	parts  int
	// before is closed once the part before has been sent.
	before chan struct{}
}

// send returns once no part is under way any more. It cancels ctx when anything fails. The
// first part has been read.
func (w *writing) send(ctx context.Context, first []byte, src io.Reader) {
	for _, s := range w.plan.Stages {
		if end := w.sendStage(ctx, s, first, src); end {
			return
		}
		first = nil
	}
	var more [1]byte
	switch n, _, err := fill(src, more[:]); {
	case err != nil:
		w.cancel(fmt.Errorf("reading the data: %w", err))
	case n > 0:
		w.cancel(action.Errorf(action.TooLarge, "The data is larger than the hub can write to %s.", w.plan.Destination))
	}
}

// sendStage sends the parts of one size, of which the first may have been read, and reports
// whether there is nothing more to send.
func (w *writing) sendStage(ctx context.Context, s Stage, first []byte, src io.Reader) (end bool) {
	var underWay sync.WaitGroup
	defer underWay.Wait()
	free := make(chan []byte, s.Buffers)
	for range s.Buffers {
		free <- nil
	}
	for range s.Parts {
		var buf []byte
		select {
		case <-ctx.Done():
			return true
		case buf = <-free:
		}
		n := len(first)
		if n > 0 {
			buf, first = first, nil
		} else {
			if buf == nil {
				buf = make([]byte, s.Size)
			}
			var err error
			if n, end, err = fill(src, buf); err != nil {
				w.cancel(fmt.Errorf("reading the data: %w", err))
				return true
			}
		}
		if n > 0 {
			w.parts++
			number, before, sent := w.parts, w.before, make(chan struct{})
			w.before = sent
			underWay.Add(1)
			panics.Go(func() error { return w.sendPart(ctx, before, number, buf[:n]) }, func(err error) {
				defer underWay.Done()
				defer close(sent)
				if err != nil {
					w.cancel(err)
				}
				free <- buf
			})
		}
		if end {
			return true
		}
	}
	return false
}

func (w *writing) sendPart(ctx context.Context, before <-chan struct{}, number int, body []byte) error {
	if w.plan.Ordered && before != nil {
		<-before
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return w.object.Part(ctx, number, body)
}

// smallest is the memory that a file takes at least.
const smallest = 64 << 10

// readFirst reads the first part, into a buffer that grows as the data comes: most files are
// small. It has less than size bytes where there is no more data.
func readFirst(src io.Reader, size int) ([]byte, error) {
	buf := make([]byte, min(smallest, size))
	for n := 0; ; {
		k, end, err := fill(src, buf[n:])
		n += k
		if err != nil || end || n == size {
			return buf[:n], err
		}
		bigger := make([]byte, min(2*len(buf), size))
		copy(bigger, buf)
		buf = bigger
	}
}

// fill reads until buf is full or the data ends. It is not io.ReadFull, which gives the end
// of the data the name of a source that broke off.
func fill(src io.Reader, buf []byte) (n int, end bool, err error) {
	for n < len(buf) {
		k, err := src.Read(buf[n:])
		n += k
		if err == io.EOF {
			return n, true, nil
		}
		if err != nil {
			return n, false, err
		}
	}
	return n, false, nil
}
