package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"integrationhub.dev/hub/looker"
)

// exchange is a request and its response, without secrets.
type exchange struct {
	Number int
	Time   time.Time
	// ToHub is false for a request of the hub, or of a browser that signs in, to the simulated Looker.
	ToHub                 bool
	Kind                  string
	Method, URL           string
	Header, ReturnHeader  http.Header
	Body, Response, Error string
	// DataBytes is the size of the data, which is left out of the body.
	DataBytes  int
	DataSHA256 string
	Status     int
	Duration   time.Duration
	WebhookID  string
}

// lastNumber is the number of the last exchange.
func (s *Session) lastNumber() int {
	last := 0
	for _, e := range s.exchanges(0, 0) {
		last = max(last, e.Number)
	}
	return last
}

// exchanges returns those after a number and up to another one, which can be 0, the oldest first.
func (s *Session) exchanges(after, upTo int) []exchange {
	var list []exchange
	for _, c := range s.Calls(after) {
		list = append(list, exchange{
			Number: c.Number, Time: c.Time, ToHub: true, Kind: string(c.Kind), Method: c.Method, URL: c.URL,
			Header: c.Header, ReturnHeader: c.ResponseHeader, Body: indent(c.Body), Response: indent(c.Response), Error: c.Error,
			DataBytes: c.DataBytes, DataSHA256: c.DataSHA256, Status: c.Status,
			Duration: time.Duration(c.Duration).Round(time.Millisecond / 10), WebhookID: c.WebhookID,
		})
	}
	for _, r := range s.Requests(after) {
		list = append(list, received(r))
	}
	list = slices.DeleteFunc(list, func(e exchange) bool { return upTo > 0 && e.Number > upTo })
	slices.SortFunc(list, func(a, b exchange) int { return a.Number - b.Number })
	return list
}

func received(r looker.Request) exchange {
	address := r.Path
	if r.Query != "" {
		address += "?" + r.Query
	}
	return exchange{
		Number: r.Number, Time: r.Time, Kind: "callback", Method: r.Method, URL: address, Body: indent(r.Body), Response: indent(r.Response), Status: r.Status,
	}
}

// maxDepth is how deep the JSON may be that is indented. The size of indented JSON grows with the square of
// its depth.
const maxDepth = 50

// indent makes JSON readable; what is not JSON, was cut, or is deep stays as it is.
func indent(text string) string {
	depth := 0
	for _, c := range text { // brackets in strings count, too, which does no harm
		switch c {
		case '[', '{':
			if depth++; depth > maxDepth {
				return text
			}
		case ']', '}':
			depth--
		}
	}
	var b bytes.Buffer
	if json.Indent(&b, []byte(text), "", "  ") != nil {
		return text
	}
	return b.String()
}

// StatusText is the status, or that there was none.
func (e exchange) StatusText() string {
	if e.Status == 0 {
		return "no response"
	}
	return fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
}
