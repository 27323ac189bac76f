package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"integrationhub.dev/integrations/internal/choice"
)

// method is how data is sent.
type method string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (m *method) UnmarshalText(text []byte) error {
	return choice.Parse(m, strings.ToUpper(string(text)), http.MethodPost, http.MethodPut)
}

// headers are those that the administrator adds. They may hold secrets.
type headers map[string]string

// ours are the headers that the hub sets itself, or that would change how the body is framed.
var ours = []string{
	"Connection", "Content-Disposition", "Content-Encoding", "Content-Length", "Content-Type", "Expect", "Host", "Keep-Alive",
	"Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent",
	"Webhook-Id", "Webhook-Signature", "Webhook-Timestamp",
}

// UnmarshalText implements [encoding.TextUnmarshaler]. No value is in an error.
func (h *headers) UnmarshalText(text []byte) error {
	var given map[string]string
	if json.Unmarshal(text, &given) != nil {
		return errors.New(`must be a JSON object of texts, such as {"X-Api-Key": "…"}`)
	}
	*h = headers{}
	for name, value := range given {
		canonical := http.CanonicalHeaderKey(name)
		_, twice := (*h)[canonical]
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			return errors.New("holds a name that no header can have")
		case !httpguts.ValidHeaderFieldValue(value):
			return fmt.Errorf("holds a value for %s that no header can have", canonical)
		case slices.Contains(ours, canonical):
			return fmt.Errorf("must not hold %s", canonical)
		case twice:
			return fmt.Errorf("holds %s twice", canonical)
		}
		(*h)[canonical] = value
	}
	return nil
}

// statuses are the answers that mean success; none stands for all from 200 to 299.
type statuses []int

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *statuses) UnmarshalText(text []byte) error {
	for part := range strings.SplitSeq(string(text), ",") {
		code, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || code < 200 || code > 299 {
			return errors.New("must be numbers from 200 to 299, separated by commas")
		}
		*s = append(*s, code)
	}
	return nil
}

// domains are parts of the web, each with all that is below it.
type domains []string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *domains) UnmarshalText(text []byte) error {
	for part := range strings.SplitSeq(string(text), ",") {
		if part = strings.ToLower(strings.Trim(part, " .")); part != "" {
			*d = append(*d, part)
		}
	}
	return nil
}
