// Package objectstore holds what integrations for object stores share: the form, and writing data of unknown
// length in parts. An object becomes visible only when it is complete.
package objectstore

import (
	"context"
	"fmt"
	"io"
	"sync"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/panics"
)

// Object is an object that is being written. Its methods retry temporary errors, and return errors that can
// be shown to the Looker user.
type Object interface {
	// Put writes the whole object in one call.
	Put(ctx context.Context, body []byte) error
	// Begin starts an upload in parts.
	Begin(ctx context.Context) error
	// Part sends a part. The first one has the number 1. Several are sent concurrently, unless the plan is
	// ordered. The buffer is reused when Part returns, except for that of the last part.
	Part(ctx context.Context, number int, body []byte) error
	// Complete makes the object visible. parts is the number of its parts.
	Complete(ctx context.Context, parts int) error
	// Abort removes the parts, if possible. There is no concurrent call.
	Abort(ctx context.Context)
}

// Stage is a sequence of parts of one size.
type Stage struct {
	// Size is the number of bytes of each part, except for the last one of the object.
	Size int
	// Parts is the maximum number of parts.
	Parts int
	// Buffers is the number of buffers, one of which is being filled.
	Buffers int
}

// Plan is how objects are divided into parts. Growing parts allow large objects, and small objects need
// little memory.
type Plan struct {
	// Destination is the store's name in messages.
	Destination string
	Stages      []Stage
	// Ordered is for stores that accept a part only after the previous one.
	Ordered bool
}

// Write writes the data: in one request if it is shorter than a part, and otherwise in parts. The parts are
// removed if the data breaks off or a request fails.
func (p Plan) Write(ctx context.Context, data action.Data, o Object) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	src, err := data.Open(ctx) // a failed part also stops the reading
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
	// The context's cause is the first error. Those that follow from it are dropped.
	if err = context.Cause(ctx); err == nil {
		err = o.Complete(ctx, w.parts)
	}
	if err != nil {
		o.Abort(ctx)
	}
	return err
}

// writing is an upload in parts.
type writing struct {
	plan   Plan
	object Object
	cancel context.CancelCauseFunc
	parts  int
	// before is closed when the previous part has been sent.
	before chan struct{}
}

// send returns when all parts have been sent. It cancels ctx on an error. first is the first part.
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

// sendStage sends the parts of one size, and reports whether the data has ended. first is the first part, or
// nil if it has not been read yet.
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

// minBuffer is the size of the first buffer.
const minBuffer = 64 << 10

// readFirst reads the first part into a growing buffer, because most files are small. It returns less than
// size bytes if the data ends.
func readFirst(src io.Reader, size int) ([]byte, error) {
	buf := make([]byte, min(minBuffer, size))
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

// fill reads until buf is full or the data ends. io.ReadFull would not distinguish the end of the data from
// a source that breaks off.
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
