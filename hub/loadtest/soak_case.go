package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
)

// soakCase is one delivery with its faults.
type soakCase struct {
	id       string
	document document
	download bool
	// source and destination are what Looker's address and the receiver do wrong.
	source, destination string
	// hangUp makes Looker go away in the middle of its request.
	hangUp bool
	// store makes it go into S3, if there is one, not to a webhook.
	store bool
	// rows makes it go to a vendor that takes rows, or runs a job with them if job is set.
	rows *rowCase
	job  bool
}

// newCase chooses a delivery. Half of them have no fault.
func newCase(random *rand.Rand, id string) soakCase {
	pick := func(choices ...string) string { return choices[random.IntN(len(choices))] }
	formats := []format{csvFormat, jsonFormat, xlsxFormat, pdfFormat}
	// From a few bytes, which stay in memory, to what fills a few spool files.
	size := int64(1) << (4 + random.IntN(19))
	c := soakCase{
		id: id, document: newDocument(formats[random.IntN(len(formats))], size+random.Int64N(size), id), download: random.IntN(3) == 0,
	}
	switch random.IntN(8) {
	case 0:
		c.source = pick(faultReset, faultReset, faultStatus, faultStall)
		c.download = true
	case 1, 2:
		c.destination = pick(faultReset, faultReset, faultLate, faultStatus, faultStatus, faultStall)
	case 3:
		c.hangUp = !c.download
	}
	c.store = random.IntN(4) == 0
	if c.store && random.IntN(8) == 0 { // several parts
		c.document = newDocument(formats[random.IntN(len(formats))], 10*mib+random.Int64N(20*mib), id)
	}
	if random.IntN(3) == 0 {
		c.rows, c.store, c.destination = newRowCase(random), false, ""
		c.job = random.IntN(12) == 0
		if c.job {
			c.rows.destination, c.rows.rows = &augerDestination, 1+random.IntN(augerDestination.maxRows)
		}
		if c.job || c.rows.destination.attached {
			c.download, c.source, c.hangUp = false, "", c.hangUp && !c.job
		}
	}
	return c
}

func (c soakCase) faultless() bool { return c.source == "" && c.destination == "" && !c.hangUp }

func (c soakCase) String() string {
	if c.rows != nil {
		return fmt.Sprintf("%s (%s, job %t, download %t, source fault %q, Looker hangs up %t)", c.id, c.rows, c.job, c.download, c.source, c.hangUp)
	}
	return fmt.Sprintf("%s (%s, %d blocks of %d bytes, download %t, into S3 %t, source fault %q, destination fault %q, Looker hangs up %t)",
		c.id, c.document.format.name, c.document.blocks, len(c.document.block), c.download, c.store, c.source, c.destination, c.hangUp)
}

// deliverOne makes the delivery and holds its outcome against what arrived.
func (s *soakRun) deliverOne(ctx context.Context, i *process, c soakCase) {
	switch {
	case c.job:
		s.deliverJob(ctx, i, c)
		return
	case c.rows != nil:
		s.deliverRows(ctx, i, c)
		return
	}
	c.store = c.store && s.store != nil
	d := delivery{id: c.id, integration: "tray", form: map[string]string{"url": s.receiver.hook(c.id, c.destination)}}
	saw := s.receiver.saw
	if c.store {
		s.store.address(&d, c.destination)
		saw = s.store.saw
	}
	if c.download {
		d.downloadURL = s.receiver.offer(c.id, c.document, c.source)
	} else {
		d.document = &c.document
		d.cutShort = c.hangUp
	}
	out, err := i.hub.execute(ctx, s.client, d)
	// A drain is a promise only to those who were let in.
	ended := i.killed.Load() || i.drained.Load() && !saw(c.id)
	arrivals := s.receiver.arrived(c.id)
	if c.store {
		arrivals = s.stored(ctx, i, c.id, out)
	}
	what, err := judge(c, out, err, ended, arrivals)
	if c.store {
		what = "S3: " + what
	}
	s.receiver.withdraw(c.id)
	s.count(what)
	if err != nil {
		s.violated(c, err)
	}
}

// violated records a violation by a delivery, with the flags that replay it.
func (s *soakRun) violated(c soakCase, err error) {
	s.breaks(fmt.Errorf("%s: %w; replay it with -seed %d -delivery %s; the hub said:%s", c, err, s.seed, c.id[1:], s.said(c.id)))
}

// stored returns what came into the store of a delivery.
func (s *soakRun) stored(ctx context.Context, i *process, id string, out outcome) []arrival {
	if i.killed.Load() {
		s.mu.Lock()
		s.ended[id] = true
		s.mu.Unlock()
	}
	arrivals, err := s.store.arrived(ctx, id, !out.Success)
	if err != nil {
		s.breaks(fmt.Errorf("%s: looking into the store: %w", id, err))
	}
	return arrivals
}

// judge checks the invariants: a success arrived complete; nothing was accepted twice; only a
// hub that was ended leaves a request without a response; only a fault makes a delivery fail.
func judge(c soakCase, out outcome, err error, ended bool, arrivals []arrival) (string, error) {
	accepted, whole, damage := count(arrivals, c.document.digest())
	switch {
	case damage != nil:
		return "damaged", damage
	case len(arrivals) > 1:
		return "doubled", fmt.Errorf("it was sent %d times, %d times whole, to an address that must get it once", len(arrivals), whole)
	case errors.Is(err, errUnanswered) && c.hangUp:
		if whole > 0 {
			return "truncated by Looker, delivered", errors.New("the request was aborted, but the delivery arrived as if whole")
		}
		return "aborted by Looker, not delivered", nil
	case errors.Is(err, errUnanswered) && ended:
		return "unanswered: the hub was stopped", nil
	case err != nil:
		return "no answer", fmt.Errorf("no proper answer: %w", err)
	case out.Success && accepted != 1:
		return "lost", fmt.Errorf("answered as success, but the receiver accepted it %d times: %+v", accepted, arrivals)
	case out.Success:
		return "delivered", nil
	case c.hangUp:
		return "aborted by Looker, reported as failed", nil
	case c.faultless():
		return "failed without a fault", fmt.Errorf("answered as failed although nothing was wrong: %s; arrivals %+v", out.Message, arrivals)
	case accepted > 0:
		return "accepted, answered as failed", fmt.Errorf("the receiver accepted it, but it was answered as failed: %s", out.Message)
	}
	return "failed, and answered as failed", nil
}

// count tells how many arrivals are whole, and how many of them the receiver accepted.
func count(arrivals []arrival, want digest) (accepted, whole int, damage error) {
	for _, a := range arrivals {
		if !a.whole {
			continue
		}
		whole++
		if a.digest != want {
			damage = fmt.Errorf("%s arrived as if whole, want %s", a.digest, want)
		}
		if a.status == http.StatusOK {
			accepted++
		}
	}
	return accepted, whole, damage
}

func sortedKeys(m map[string]int) []string { return slices.Sorted(maps.Keys(m)) }
