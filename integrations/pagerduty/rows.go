package pagerduty

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/message"
)

// Limits of an event (https://developer.pagerduty.com/docs/events-api-v2-overview).
const (
	maxEvent    = 512 << 10 // bytes
	maxSummary  = 1024      // characters
	maxDedupKey = 255       // characters
)

// event is the action of an event.
type event string

const (
	auto    event = "auto"
	trigger event = "trigger"
	resolve event = "resolve"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (e *event) UnmarshalText(text []byte) error {
	return choice.Parse(e, string(text), auto, trigger, resolve)
}

// severity is an alert's severity.
type severity string

var severities = []severity{"critical", "error", "warning", "info"}

const defaultSeverity severity = "error"

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *severity) UnmarshalText(text []byte) error {
	return choice.Parse(s, string(text), severities...)
}

func severityOptions() []action.Option {
	var options []action.Option
	for _, s := range severities {
		options = append(options, action.Option{Name: string(s), Label: string(s)})
	}
	return options
}

// alert is PagerDuty's format of an event
// (https://developer.pagerduty.com/docs/send-alert-event).
type alert struct {
	RoutingKey  string   `json:"routing_key"`
	EventAction event    `json:"event_action"`
	DedupKey    string   `json:"dedup_key"`
	Client      string   `json:"client,omitempty"`
	ClientURL   string   `json:"client_url,omitempty"`
	Payload     *payload `json:"payload,omitempty"`
	Links       []link   `json:"links,omitempty"`
	Images      []image  `json:"images,omitempty"`
}

type link struct {
	Href string `json:"href"`
	Text string `json:"text,omitempty"`
}

type image struct {
	Src string `json:"src"`
	Alt string `json:"alt,omitempty"`
}

type payload struct {
	Summary       string   `json:"summary"`
	Source        string   `json:"source"`
	Severity      severity `json:"severity"`
	Component     string   `json:"component,omitempty"`
	Group         string   `json:"group,omitempty"`
	Class         string   `json:"class,omitempty"`
	CustomDetails details  `json:"custom_details"`
}

type details struct {
	TotalRows int                 `json:"total_rows"`
	Rows      []map[string]string `json:"first_rows,omitempty"`
}

// newAlert returns the event for a result, with as many rows as fit.
func newAlert(in input, req *action.Request, first message.Preview) (*alert, error) {
	key, err := dedupKey(in, req)
	if err != nil {
		return nil, err
	}
	a := &alert{RoutingKey: strings.TrimSpace(cmp.Or(in.FixedKey, in.Key).Reveal()), EventAction: cmp.Or(in.Event, auto), DedupKey: key}
	if a.EventAction == auto {
		a.EventAction = trigger
		if first.Total == 0 {
			a.EventAction = resolve
		}
	}
	if a.EventAction == resolve {
		return a, nil
	}
	a.Client, a.ClientURL = "Looker", message.Link(req.Plan.URL)
	a.Payload = &payload{
		Summary: summary(in, req.Plan), Source: cmp.Or(req.InstanceID, "Looker"), Severity: cmp.Or(in.Severity, defaultSeverity),
		Component: action.Line(in.Component), Group: action.Line(in.Group), Class: action.Line(in.Class),
		CustomDetails: details{TotalRows: first.Total, Rows: objects(first)},
	}
	if err := a.attach(in, req.Plan); err != nil {
		return nil, err
	}
	return a, a.fit()
}

// attach adds the links and images that the user entered.
func (a *alert) attach(in input, plan action.Plan) error {
	for line := range lines(in.Links) {
		href, text, _ := strings.Cut(message.Expand(line, plan, time.Now().UTC()), " ")
		if message.Link(href) == "" {
			return action.InvalidField("links", "Each line must start with a URL.")
		}
		a.Links = append(a.Links, link{message.Link(href), action.Line(text)})
	}
	for line := range lines(in.Images) {
		src, text, _ := strings.Cut(message.Expand(line, plan, time.Now().UTC()), " ")
		if !strings.HasPrefix(message.Link(src), "https://") { // PagerDuty shows no others
			return action.InvalidField("images", "Each line must start with a URL that begins with https://.")
		}
		a.Images = append(a.Images, image{message.Link(src), action.Line(text)})
	}
	return nil
}

// lines yields the lines of an answer that have text, with blanks in one way.
func lines(answer string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.Lines(answer) {
			if line = strings.Join(strings.Fields(line), " "); line != "" && !yield(line) {
				return
			}
		}
	}
}

// fit removes rows until the event is small enough.
func (a *alert) fit() error {
	for rows := &a.Payload.CustomDetails.Rows; ; *rows = (*rows)[:len(*rows)-1] {
		body, err := a.encode()
		if err != nil || len(body) <= maxEvent {
			return err
		}
		if len(*rows) == 0 {
			return action.Errorf(action.TooLarge, "The event exceeds PagerDuty's limit of %d KB.", maxEvent>>10)
		}
	}
}

func (a *alert) encode() ([]byte, error) {
	body, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("encoding an event: %w", err)
	}
	return body, nil
}

// dedupKey identifies the alert. Every event has one, so that a repeated event is counted once.
func dedupKey(in input, req *action.Request) (string, error) {
	if key := strings.TrimSpace(in.DedupKey); key != "" {
		if n := len([]rune(key)); n > maxDedupKey {
			return "", action.InvalidField("dedup_key", "The deduplication key has %d characters. PagerDuty allows %d.", n, maxDedupKey)
		}
		return key, nil
	}
	if req.Plan.ID != "" {
		return fmt.Sprintf("looker-%.100s-%.100s", req.InstanceID, req.Plan.ID), nil
	}
	if cmp.Or(in.Event, auto) != trigger {
		return "", action.InvalidField("dedup_key", "The schedule is unknown. Enter a deduplication key, so that the alert to "+
			"resolve can be found.")
	}
	return "looker-" + rand.Text(), nil
}

func summary(in input, plan action.Plan) string {
	text := cmp.Or(strings.Join(strings.Fields(in.Summary), " "), action.Line(plan.Title), "Looker")
	if r := []rune(text); len(r) > maxSummary {
		return string(r[:maxSummary-1]) + "…"
	}
	return text
}

// objects returns the rows as objects whose keys are the columns' titles. Repeated titles are numbered.
func objects(p message.Preview) []map[string]string {
	titles, seen := make([]string, len(p.Titles)), map[string]int{}
	for n, title := range p.Titles {
		titles[n] = title
		if seen[title]++; seen[title] > 1 {
			titles[n] = fmt.Sprintf("%s (%d)", title, seen[title])
		}
	}
	var all []map[string]string
	for _, row := range p.Rows {
		object := make(map[string]string, len(row))
		for n, cell := range row {
			object[titles[n]] = cell
		}
		all = append(all, object)
	}
	return all
}
