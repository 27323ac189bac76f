package datamanager

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// ItemsError is the error of a request that Google rejected because of some of its items. It had no
// effect, not even for the others.
type ItemsError struct {
	// Items are the reasons by the index of the item. Google may not name all invalid items.
	Items map[int]*action.Error
	first *action.Error
}

func (e *ItemsError) Error() string {
	return fmt.Sprintf("%d items were rejected: %v", len(e.Items), e.first)
}

func (e *ItemsError) Unwrap() error { return e.first }

// violation is a field that Google rejected. Its description can quote the field, so it is left out.
type violation struct {
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

// itemField is the beginning of a path such as "audience_members.audience_members[0].user_data".
var itemField = regexp.MustCompile(`^(?:(?:audience_members|audienceMembers|events)\.?){1,2}\[([0-9]+)\]`)

// item returns the index of the item that the violation is about.
func (v violation) item() (int, bool) {
	m := itemField.FindStringSubmatch(v.Field)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	return n, err == nil
}

// violations reads those in an error's body, which may be cut off.
func violations(body []byte) (all []violation) {
	_, rest, _ := bytes.Cut(body, []byte(`"fieldViolations"`))
	start := bytes.IndexByte(rest, '[')
	if start < 0 {
		return nil
	}
	list := json.NewDecoder(bytes.NewReader(rest[start:]))
	if _, err := list.Token(); err != nil {
		return nil
	}
	for list.More() {
		var v violation
		if list.Decode(&v) != nil {
			break
		}
		all = append(all, v)
	}
	return all
}

// info is the reason for an error as a whole.
type info struct {
	Reason   string            `json:"reason"`
	Metadata map[string]string `json:"metadata"`
}

// errorInfo reads the reason in an error's body, which is empty if there is none.
func errorInfo(body []byte) info {
	var e struct {
		Error struct {
			Details []json.RawMessage `json:"details"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &e) != nil {
		return info{}
	}
	for _, detail := range e.Error.Details {
		var i info
		if json.Unmarshal(detail, &i) == nil && i.Reason != "" {
			return i
		}
	}
	return info{}
}

// explain explains a rejected call. Reasons for the whole request come before those of items.
func explain(err error) error {
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok || action.KindOf(err) == action.Unauthenticated {
		return err
	}
	items := &ItemsError{Items: map[int]*action.Error{}}
	for _, v := range violations(status.Body) {
		reason := meaning(status, v.Reason, action.KindOf(err))
		n, ok := v.item()
		switch {
		case !ok && reason != nil:
			return reason
		case !ok, items.Items[n] != nil:
			continue
		case reason == nil:
			reason = action.Wrap(status, action.Invalid, "%s did not accept the data.", Name)
		}
		items.Items[n] = reason
		if items.first == nil {
			items.first = reason
		}
	}
	if items.first != nil {
		return items
	}
	i := errorInfo(status.Body)
	if strings.Contains(i.Metadata["quota_limit"], "PerDay") {
		return action.Wrap(status, action.Forbidden, "The daily quota of the Data Manager API is used up. Try again tomorrow.")
	}
	if known, ok := meanings[i.Reason]; ok {
		return action.Wrap(status, known.Kind, "%s", known.Message)
	}
	return err
}

var reasonForm = regexp.MustCompile(`^[A-Z][A-Z0-9_]+$`)

// meaning returns the error for a reason, or nil if it says nothing. kind is that of unknown reasons.
func meaning(status error, reason string, kind action.Kind) *action.Error {
	if known, ok := meanings[reason]; ok {
		return action.Wrap(status, known.Kind, "%s", known.Message)
	}
	if !reasonForm.MatchString(reason) {
		return nil
	}
	return action.Wrap(status, kind, "%s did not accept the data. (%s)", Name, reason)
}
