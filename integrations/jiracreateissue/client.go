package jiracreateissue

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// name is what people call the destination.
const name = "JIRA"

const (
	// createTimeout bounds the creation of an issue, readTimeout a call that changes nothing: a
	// form makes several, each again when that can help, while a user waits.
	createTimeout = time.Minute
	readTimeout   = 20 * time.Second
)

// client calls one Jira's REST API:
// https://developer.atlassian.com/cloud/jira/platform/rest/v3/ for Cloud,
// https://developer.atlassian.com/server/jira/platform/rest/ for Data Center.
type client struct {
	http     *http.Client
	site     site
	username string
	password action.Secret
}

// personalToken is the form of Data Center's personal access tokens: base64 of twelve digits,
// a colon and twenty bytes.
var personalToken = regexp.MustCompile(`^[MNO][A-Za-z0-9+/]{43}$`)

// authorize adds the credentials. A personal access token goes by itself; an API token of
// Cloud, and a password, with their user's name. Blanks around a token were copied with it,
// but a password may have some.
func (c *client) authorize(req *http.Request) {
	username, password := strings.TrimSpace(c.username), c.password.Reveal()
	token := strings.TrimSpace(password)
	switch {
	case c.site.cloud:
		req.SetBasicAuth(username, token)
	case personalToken.MatchString(token):
		req.Header.Set("Authorization", "Bearer "+token)
	default:
		req.SetBasicAuth(username, password)
	}
}

// get asks for something, again when that can help.
func (c *client) get(ctx context.Context, address *url.URL, out any) error {
	retry := deliver.Retry{Tries: 3, First: 200 * time.Millisecond, Longest: 2 * time.Second}
	return retry.Do(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeoutCause(ctx, readTimeout, action.Errorf(action.Timeout, "%s did not answer in time.", name))
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
		if err != nil {
			return fmt.Errorf("preparing a call: %w", err)
		}
		return c.send(req, out)
	})
}

func (c *client) send(req *http.Request, out any) error {
	c.authorize(req)
	req.Header.Set("Accept", "application/json")
	return c.explain(outbound.JSON(c.http, req, name, out))
}

// named is something that goes by its id and that people know by its name.
type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// pageSize is the largest page of projects that Jira Cloud gives.
const pageSize = 100

// mostProjects are more than anybody looks through, and the end of a list that has none.
const mostProjects = 5000

// projects are those in which the user may create issues; Data Center cannot tell, and gives
// all that the user may see.
func (c *client) projects(ctx context.Context) ([]named, error) {
	if !c.site.cloud {
		var all []named
		err := c.get(ctx, c.site.endpoint("project"), &all)
		return all, err
	}
	var all []named
	for {
		var page struct {
			Values []named `json:"values"`
			IsLast bool    `json:"isLast"`
		}
		address := c.site.endpoint("project", "search")
		address.RawQuery = url.Values{
			"action": {"create"}, "orderBy": {"name"}, "maxResults": {strconv.Itoa(pageSize)}, "startAt": {strconv.Itoa(len(all))},
		}.Encode()
		if err := c.get(ctx, address, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Values...)
		if page.IsLast || len(page.Values) == 0 || len(all) >= mostProjects {
			return all[:min(len(all), mostProjects)], nil
		}
	}
}

// issueTypes are those of a project that need no parent.
func (c *client) issueTypes(ctx context.Context, project id) ([]named, error) {
	var answer struct {
		IssueTypes []struct {
			named
			Subtask bool `json:"subtask"`
		} `json:"issueTypes"`
	}
	if err := c.get(ctx, c.site.endpoint("project", string(project)), &answer); err != nil {
		return nil, err
	}
	var types []named
	for _, t := range answer.IssueTypes {
		if !t.Subtask {
			types = append(types, t.named)
		}
	}
	return types, nil
}

// issue is what is to be created. link leads to Looker, where the data is; it may be empty.
type issue struct {
	project, issueType         id
	summary, description, link string
}

// created is what Jira says of a new issue.
type created struct {
	ID  id     `json:"id"`
	Key string `json:"key"`
}

// key is what Jira's keys of issues look like; anything else is not shown. Their length is
// bounded beside it: a repetition in a pattern takes memory for each time.
var key = regexp.MustCompile(`^[\pL\pN_]+-[0-9]+$`)

const longestKey = 300

// errNotUnderstood is for answers that are JSON, but not what was asked for.
var errNotUnderstood = action.Errorf(action.Unavailable, "Unexpected response from %s.", name)

// create creates an issue.
func (c *client) create(ctx context.Context, i issue) (created, error) {
	type ref struct {
		ID id `json:"id"`
	}
	fields := struct {
		Project     ref    `json:"project"`
		Summary     string `json:"summary"`
		Description any    `json:"description,omitempty"`
		IssueType   ref    `json:"issuetype"`
	}{ref{i.project}, i.summary, wikiText(i), ref{i.issueType}}
	if c.site.cloud {
		fields.Description = document(i)
	}
	body, err := json.Marshal(map[string]any{"fields": fields})
	if err != nil {
		return created{}, fmt.Errorf("encoding an issue: %w", err)
	}
	once := deliver.Once{Name: name, Timeout: createTimeout, Doubt: "The issue may already have been created. Check before retrying."}
	var made created
	err = once.Do(ctx, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.site.endpoint("issue").String(), bytes.NewReader(body))
		if err != nil {
			return fmt.Errorf("preparing an issue: %w", err)
		}
		req.Header.Set("Content-Type", "application/json")
		if err := c.send(req, &made); err != nil {
			return err
		}
		if !number.MatchString(string(made.ID)) || len(made.Key) > longestKey || !key.MatchString(made.Key) {
			return errNotUnderstood
		}
		return nil
	})
	return made, err
}
