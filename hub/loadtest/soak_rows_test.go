package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// ledger makes a ledger: each state is a row's. "c" is stored and confirmed, "u" stored without an
// answer, "r" refused, "2" stored twice and confirmed.
func ledger(states string) *rowLedger {
	l := newRowLedger()
	for i, state := range states {
		row := fmt.Sprint("r", i+1)
		switch state {
		case 'c':
			l.stored[row], l.confirmed[row] = 1, true
		case 'u':
			l.stored[row] = 1
		case 'r':
			l.rejected[row] = true
		case '2':
			l.stored[row], l.confirmed[row] = 2, true
		}
	}
	return l
}

// Each way in which a report can be wrong is seen, and nothing else.
func TestJudgeRows(t *testing.T) {
	t.Parallel()
	damaged := ledger("cccc")
	damaged.damage = errors.New("a value is wrong")
	repeatable, once := &rowDestination{name: "braze"}, &rowDestination{name: "braze", once: true}
	calm, faulty := rowCase{destination: repeatable, rows: 4}, rowCase{destination: repeatable, rows: 4, fault: faultMixed}
	strict := rowCase{destination: once, rows: 4, fault: faultLate}
	said := func(message string) outcome { return outcome{Message: message} }
	all := outcome{Success: true, Message: "4 rows sent to Braze."}
	for _, tt := range []struct {
		name   string
		rows   rowCase
		source string
		hangUp bool
		out    outcome
		err    error
		end    answerEnd
		ledger *rowLedger
		want   string
		broken bool
	}{
		{name: "delivered", rows: calm, out: all, ledger: ledger("cccc"), want: "delivered"},
		{name: "a success of three", rows: calm, out: all, ledger: ledger("ccc"), want: "reported", broken: true},
		{name: "a success without an answer", rows: faulty, out: all, ledger: ledger("cccu"), want: "reported", broken: true},
		{name: "a success with a refusal", rows: faulty, out: all, ledger: ledger("cccr"), want: "reported", broken: true},
		{name: "a success without a number", rows: calm, out: outcome{Success: true, Message: "Sent."}, ledger: ledger("cccc"), want: "reported", broken: true},
		{name: "a success of too few", rows: calm, out: outcome{Success: true, Message: "3 rows sent to Braze."}, ledger: ledger("ccc"), want: "reported", broken: true},
		{name: "in part", rows: faulty, out: said("2 of 4 rows delivered, 1 rejected, 1 failed. No."), ledger: ledger("ccr"), want: "partly"},
		{name: "a loss that was found", rows: faulty, out: said("2 of 4 rows delivered, 2 failed. No."), ledger: ledger("ccu"), want: "partly"},
		{name: "fewer than confirmed", rows: faulty, out: said("2 of 4 rows delivered, 2 failed. No."), ledger: ledger("ccc"), want: "reported", broken: true},
		{name: "fewer than confirmed, at the timeout", rows: faulty, out: said("2 of 4 rows delivered, 2 failed. No."), end: answerEnd{late: true}, ledger: ledger("ccc"), want: "failed at"},
		{name: "more than confirmed, at the timeout", rows: faulty, out: said("3 of 4 rows delivered, 1 failed. No."), end: answerEnd{late: true}, ledger: ledger("cc"), want: "reported", broken: true},
		{name: "rejected, but not refused", rows: faulty, out: said("2 of 4 rows delivered, 2 rejected. No."), ledger: ledger("ccr"), want: "reported", broken: true},
		{name: "failed, but refused", rows: faulty, out: said("2 of 4 rows delivered, 2 failed. No."), ledger: ledger("ccrr"), want: "reported", broken: true},
		{name: "a row that is not counted", rows: faulty, out: said("2 of 4 rows delivered, 1 failed. No."), ledger: ledger("cc"), want: "reported", broken: true},
		{name: "a row that was not read", rows: faulty, out: said("2 of 3 rows delivered, 1 failed. No."), ledger: ledger("cc"), want: "reported", broken: true},
		{name: "a source that broke off", rows: calm, source: faultReset, out: said("2 of 2 rows delivered, 0 failed. No."), ledger: ledger("cc"), want: "partly"},
		{name: "nothing, without counts", rows: faulty, out: said("Braze returned 500."), ledger: ledger(""), want: "failed, and"},
		{name: "confirmed, without counts", rows: faulty, out: said("Braze returned 500."), ledger: ledger("c"), want: "reported", broken: true},
		{name: "without a fault", rows: calm, out: said("0 of 4 rows delivered, 4 failed. No."), ledger: ledger(""), want: "failed without", broken: true},
		{name: "stored twice where it may", rows: faulty, out: all, ledger: ledger("22cc"), want: "delivered"},
		{name: "stored twice", rows: strict, out: all, ledger: ledger("2ccc"), want: "damaged", broken: true},
		{name: "a doubt that is not told", rows: strict, out: said("3 of 4 rows delivered, 1 failed. No."), ledger: ledger("cccu"), want: "reported", broken: true},
		{name: "a doubt", rows: strict, out: said("3 of 4 rows delivered, 1 failed. Some may already be stored."), ledger: ledger("cccu"), want: "partly"},
		{name: "damage", rows: calm, out: all, ledger: damaged, want: "damaged", broken: true},
		{name: "no answer", rows: calm, err: errUnanswered, end: answerEnd{unanswered: true}, ledger: ledger("cccc"), want: "no answer", broken: true},
		{name: "no answer of a hub that was ended", rows: calm, err: errUnanswered, end: answerEnd{unanswered: true, stopped: true}, ledger: ledger("cc"), want: "unanswered"},
		{name: "Looker hung up", rows: calm, hangUp: true, err: errUnanswered, end: answerEnd{unanswered: true}, ledger: ledger(""), want: "aborted"},
		{name: "Looker hung up, but rows arrived", rows: calm, hangUp: true, err: errUnanswered, end: answerEnd{unanswered: true}, ledger: ledger("c"), want: "truncated", broken: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := soakCase{id: "d1", rows: &tt.rows, source: tt.source, hangUp: tt.hangUp}
			what, err := judgeRows(c, tt.out, tt.err, tt.end, tt.ledger)
			if !strings.HasPrefix(what, tt.want) || (err != nil) != tt.broken {
				t.Errorf("%q, %v", what, err)
			}
		})
	}
}

func TestJudgeJobs(t *testing.T) {
	t.Parallel()
	const done = "4 rows were sent to Auger as x."
	for _, tt := range []struct {
		name   string
		job    augerJob
		out    outcome
		err    error
		fault  string
		want   string
		broken bool
	}{
		{name: "delivered", job: augerJob{files: 1}, out: outcome{Success: true, Message: done}, want: "delivered"},
		{name: "lost", out: outcome{Success: true, Message: done}, want: "lost", broken: true},
		{name: "another number", job: augerJob{files: 1}, out: outcome{Success: true, Message: "3 rows were sent to Auger as x."}, want: "reported", broken: true},
		{name: "doubled", job: augerJob{files: 2}, out: outcome{Success: true, Message: done}, want: "doubled", broken: true},
		{name: "a doubt", job: augerJob{files: 1}, out: outcome{Message: "It may already have been created."}, fault: faultLate, want: "failed, and"},
		{name: "a doubt that is not told", job: augerJob{files: 1}, out: outcome{Message: "No."}, fault: faultLate, want: "reported", broken: true},
		{name: "without a fault", out: outcome{Message: "No."}, want: "failed without", broken: true},
		{name: "no answer", err: errUnanswered, want: "no answer", broken: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.job.rows = &rowCase{destination: &augerDestination, rows: 4, fault: tt.fault}
			what, err := tt.job.judge(tt.out, tt.err, false, false)
			if !strings.HasPrefix(what, tt.want) || (err != nil) != tt.broken {
				t.Errorf("%q, %v", what, err)
			}
		})
	}
}

func TestJudgeEndsOfJobs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		job    augerJob
		ended  string
		killed bool
		fault  string
		want   string
		broken bool
	}{
		{name: "completed", job: augerJob{succeeded: true, experiments: 1, sessions: 1, started: 1}, ended: "completed", want: "job completed"},
		{name: "completed, but not started", job: augerJob{succeeded: true, experiments: 1, sessions: 1}, ended: "completed", want: "job lost", broken: true},
		{name: "doubled", job: augerJob{succeeded: true, experiments: 1, sessions: 2, started: 2}, ended: "completed", want: "job doubled", broken: true},
		{name: "forgotten", job: augerJob{succeeded: true}, want: "job forgotten", broken: true},
		{name: "of a killed hub", job: augerJob{succeeded: true}, killed: true, want: "job of a killed hub"},
		{name: "of a failed delivery", job: augerJob{experiments: 1}, want: "job without", broken: true},
		{name: "none", want: "no job"},
		{name: "failed", job: augerJob{succeeded: true}, ended: "failed", fault: faultStatus, want: "job failed"},
		{name: "failed without a fault", job: augerJob{succeeded: true}, ended: "failed", want: "job failed without", broken: true},
		{name: "interrupted", job: augerJob{succeeded: true}, ended: "interrupted", want: "job interrupted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.job.rows, tt.job.process = &rowCase{destination: &augerDestination, rows: 4, fault: tt.fault}, &process{}
			tt.job.process.killed.Store(tt.killed)
			what, err := tt.job.judgeEnd(tt.ended)
			if !strings.HasPrefix(what, tt.want) || (err != nil) != tt.broken {
				t.Errorf("%q, %v", what, err)
			}
		})
	}
}

// A delivery meets the same faults when it is replayed, and every kind is chosen sooner or later.
func TestFaultsOfVendors(t *testing.T) {
	t.Parallel()
	met := map[string]int{}
	for n := range 5000 {
		id := fmt.Sprint("d", n)
		fault := callFault(7, id, faultMixed, false, "r1 10", 1)
		if again := callFault(7, id, faultMixed, false, "r1 10", 1); again != fault {
			t.Fatalf("%s met %q, and then %q", id, fault, again)
		}
		met[fault]++
		if always := callFault(7, id, faultBusy, true, "r1 10", n); always != faultBusy {
			t.Fatalf("a fault that is always there was %q", always)
		}
		if refusal := callFault(7, id, faultReject, true, "r1 10", n); refusal != "" {
			t.Fatalf("a refusal of rows failed a whole call: %q", refusal)
		}
	}
	for _, kind := range []string{"", faultBusy, faultStatus, faultReset, faultLate, faultHalf} {
		if met[kind] < 200 {
			t.Errorf("%d of 5000 calls met %q", met[kind], kind)
		}
	}
}

// What newCase chooses depends on its arguments alone, and goes to every destination.
func TestRowCases(t *testing.T) {
	t.Parallel()
	names := map[string]int{}
	for n := range uint64(3000) {
		c, again := newCase(rand.New(rand.NewPCG(1, n)), "d1"), newCase(rand.New(rand.NewPCG(1, n)), "d1")
		if c.String() != again.String() {
			t.Fatalf("%s, and then %s", c, again)
		}
		if c.rows == nil {
			continue
		}
		names[c.rows.destination.name]++
		if c.rows.destination.attached && c.download || c.job && c.hangUp {
			t.Errorf("%s cannot be delivered", c)
		}
	}
	for _, d := range append(rowDestinations, augerDestination) {
		if names[d.name] < 20 {
			t.Errorf("%d of 3000 deliveries went to %s", names[d.name], d.name)
		}
	}
}
