// Package doctor checks what Looker will demand of a hub, one thing after the other, and says
// what to do about each that is wrong.
package doctor

import (
	"context"
	"net"
	"net/url"
	"strings"
	"time"

	"integrationhub.dev/hub/cmd/hub/internal/looker"
)

// Status is how a check came out.
type Status string

// The outcomes. A warning is for what works now; what depends on a failed check is skipped.
const (
	OK      Status = "ok"
	Warning Status = "warning"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Check is one line of the report.
type Check struct {
	Name    string `json:"name"`
	Status  Status `json:"status"`
	Message string `json:"message"`
	// Advice is what to do; empty when all is well.
	Advice string `json:"advice,omitempty"`
}

// Doctor examines one hub.
type Doctor struct {
	options looker.Options
	base    *url.URL
	lookup  func(ctx context.Context, host string) ([]net.IPAddr, error)
	now     func() time.Time

	client *looker.Client
	list   looker.List
}

// New examines the hub that the options name.
func New(o looker.Options) *Doctor {
	return &Doctor{options: o, lookup: net.DefaultResolver.LookupIPAddr, now: time.Now}
}

// timeout bounds each check: a hub that does not answer within it does not work for Looker.
const timeout = 20 * time.Second

// Run makes all checks and returns their outcomes. Each needs those before it, except the last
// ones, which need the list only.
func (d *Doctor) Run(ctx context.Context) []Check {
	steps := []struct {
		name  string
		check func(context.Context) Check
		// optional steps do not keep those after them from being made.
		optional bool
	}{
		{"address", d.address, false},
		{"dns", d.dns, false},
		{"connection", d.connection, false},
		{"certificate", d.certificate, false},
		{"clock", d.clock, true},
		{"token", d.token, false},
		{"list", d.integrations, true},
		{"urls", d.urls, true},
		{"form", d.form, true},
	}
	var report []Check
	blocked := ""
	for _, step := range steps {
		if blocked != "" {
			report = append(report, Check{Name: step.name, Status: Skipped, Message: "not checked: " + blocked + " comes first"})
			continue
		}
		limited, cancel := context.WithTimeout(ctx, timeout)
		c := step.check(limited)
		cancel()
		c.Name = step.name
		report = append(report, c)
		if c.Status == Failed && !step.optional {
			blocked = step.name
		}
	}
	return report
}

// Healthy reports whether nothing failed.
func Healthy(report []Check) bool {
	for _, c := range report {
		if c.Status == Failed {
			return false
		}
	}
	return true
}

func ok(message string) Check { return Check{Status: OK, Message: message} }

func warning(message, advice string) Check {
	return Check{Status: Warning, Message: message, Advice: advice}
}

// failed takes a message that may be somebody else's sentence: the advice follows it.
func failed(message, advice string) Check {
	return Check{Status: Failed, Message: strings.TrimSuffix(message, "."), Advice: advice}
}
