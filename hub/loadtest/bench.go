package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

const (
	mib = 1 << 20
)

// benchmark is one run of bench.
type benchmark struct {
	*site
	table
	gateway string // versitygw, an S3-compatible server
	s3Size  int64
	// filesSize is how much goes into Google Drive and Dropbox.
	filesSize int64
	rate      time.Duration // how long each rate is measured
}

// scenario measures something and adds it to the table. Its error says that it could not be
// measured, or that a delivery was wrong.
type scenario struct {
	name string
	run  func(*benchmark, context.Context) error
}

var scenarios = []scenario{
	{"decoders", (*benchmark).decoders},
	{"start", (*benchmark).start},
	{"rates", (*benchmark).rates},
	{"inline", (*benchmark).inline},
	{"rows", (*benchmark).rows},
	{"download", (*benchmark).download},
	{"s3", (*benchmark).s3},
	{"files", (*benchmark).files},
	{"custom", (*benchmark).custom},
	{"upstream", (*benchmark).upstream},
}

func bench(ctx context.Context, args []string) error {
	b := &benchmark{}
	flags := flag.NewFlagSet("loadtest bench", flag.ContinueOnError)
	program := flags.String("hub", "", "the hub's program; without one it is built")
	only := flags.String("only", "", "scenarios to run, separated by commas: decoders, start, rates, inline, rows, download, s3, files, custom, upstream")
	flags.StringVar(&b.gateway, "versitygw", "", "the program versitygw, for the scenario s3")
	s3MiB := flags.Int64("s3-mib", 2048, "how much goes into S3, in MiB; 10240 for the full measurement")
	filesMiB := flags.Int64("files-mib", 2048, "how much goes into Google Drive and Dropbox each, in MiB")
	readme := flags.String("readme", "", "the README to write the measurements to")
	flags.DurationVar(&b.rate, "rate", 5*time.Second, "how long each rate is measured")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b.s3Size, b.filesSize = *s3MiB*mib, *filesMiB*mib
	var err error
	if b.site, err = newSite(ctx, *program); err != nil {
		return err
	}
	defer b.close()
	load := loadAverage()
	fmt.Fprintf(os.Stderr, "Hub, receiver and load share this machine's processors; load before the start: %s\n", load)
	var wrong []error
	for _, s := range scenarios {
		if *only != "" && !strings.Contains(","+*only+",", ","+s.name+",") {
			continue
		}
		fmt.Fprintln(os.Stderr, "measuring:", s.name)
		if err := s.run(b, ctx); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", s.name, err))
		}
	}
	wrong = append(wrong, b.print(os.Stdout))
	if *readme != "" {
		wrong = append(wrong, b.writeREADME(*readme, load, time.Now()))
	}
	return errors.Join(wrong...)
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}

// mbps is a rate in the million bytes that networks count by.
func mbps(bytes int64, took time.Duration) float64 { return float64(bytes) / 1e6 / took.Seconds() }

// inMiB is an amount of memory.
func inMiB(bytes int64) float64 { return float64(bytes) / mib }

// withHub runs f against a hub of its own, which is killed afterwards.
func (s *site) withHub(ctx context.Context, o hubOptions, f func(*hubProcess) error) error {
	h, err := s.startHub(ctx, o)
	if err != nil {
		return err
	}
	defer h.stop(syscall.SIGKILL)
	if err := h.ready(ctx, s.client); err != nil {
		return err
	}
	return f(h)
}

// check says what is wrong with a webhook's delivery that was answered.
func (s *site) check(id string, want digest, got outcome) error {
	if !got.Success {
		return fmt.Errorf("the delivery failed: %s", got.Message)
	}
	arrivals := s.receiver.arrived(id)
	if len(arrivals) != 1 || !arrivals[0].whole || arrivals[0].digest != want {
		return fmt.Errorf("answered as success, but there arrived %+v, not once %s", arrivals, want)
	}
	return nil
}
