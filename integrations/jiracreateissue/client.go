package jiracreateissue

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/adf"
	"integrationhub.dev/integrations/internal/message"
)

// name is the destination's name in messages.
const name = "JIRA"

const (
	// createTimeout limits the creation of an issue. readTimeout limits a read: a form makes
	// several of them, with retries, while a user waits.
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

// personalToken is the pattern of Data Center's personal access tokens: base64 of twelve digits, a
// colon and twenty bytes.
var personalToken = regexp.MustCompile(`^[MNO][A-Za-z0-9+/]{43}$`)

// authorize adds the credentials. A personal access token is sent alone; a Cloud API token or a
// password is sent with the user name. White space around a token was copied by accident, but it
// can belong to a password.
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

// api returns the site's API with a time limit for each call.
func (c *client) api(timeout time.Duration) outbound.API {
	return outbound.API{Name: name, Base: c.site.base, Client: c.http, Timeout: timeout, Authorize: c.authorize, Explain: c.explain}
}

// get reads a resource, and retries if that can help.
func (c *client) get(ctx context.Context, path string, out any) error {
	retry := deliver.Retry{MaxAttempts: 3, InitialBackoff: 200 * time.Millisecond, MaxBackoff: 2 * time.Second}
	return retry.Do(ctx, func(ctx context.Context) error {
		return c.api(readTimeout).Call(ctx, http.MethodGet, path, nil, out)
	})
}

// named is a project or an issue type.
type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// pageSize is the largest page of projects that Jira Cloud returns.
const pageSize = 100

// maxProjects limits the list, also if Jira's paging never ended.
const maxProjects = 5000

// projects returns the projects in which the user may create issues. Data Center returns all that
// the user may see instead.
func (c *client) projects(ctx context.Context) ([]named, error) {
	if !c.site.cloud {
		var all []named
		err := c.get(ctx, c.site.path("project"), &all)
		return all, err
	}
	var all []named
	for {
		var page struct {
			Values []named `json:"values"`
			IsLast bool    `json:"isLast"`
		}
		path := outbound.WithQuery(c.site.path("project", "search"), url.Values{
			"action": {"create"}, "orderBy": {"name"}, "maxResults": {strconv.Itoa(pageSize)}, "startAt": {strconv.Itoa(len(all))},
		})
		if err := c.get(ctx, path, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Values...)
		if page.IsLast || len(page.Values) == 0 || len(all) >= maxProjects {
			return all[:min(len(all), maxProjects)], nil
		}
	}
}

// issueTypes returns the types of a project whose issues need no parent.
func (c *client) issueTypes(ctx context.Context, project id) ([]named, error) {
	var answer struct {
		IssueTypes []struct {
			named
			Subtask bool `json:"subtask"`
		} `json:"issueTypes"`
	}
	if err := c.get(ctx, c.site.path("project", string(project)), &answer); err != nil {
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

// issue is the issue to create. link leads to the data in Looker; it may be empty.
type issue struct {
	project, issueType         id
	summary, description, link string
}

// created is Jira's response to a new issue.
type created struct {
	ID  id     `json:"id"`
	Key string `json:"key"`
}

// key is the pattern of issue keys; anything else is not shown. The length has a separate limit,
// since a bounded repetition in a pattern needs memory for each repetition.
var key = regexp.MustCompile(`^[\pL\pN_]+-[0-9]+$`)

const maxKey = 300

// Validate implements what [outbound.API.Call] asks for.
func (c *created) Validate() error {
	if !number.MatchString(string(c.ID)) || len(c.Key) > maxKey || !key.MatchString(c.Key) {
		return errors.New("the response has no issue")
	}
	return nil
}

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
	once := deliver.Once{MaybeDeliveredHint: "The issue may already have been created. Check before retrying."}
	var made created
	err := once.Do(ctx, func(ctx context.Context) error {
		return c.api(createTimeout).Call(ctx, http.MethodPost, c.site.path("issue"), map[string]any{"fields": fields}, &made)
	})
	return made, err
}

// file is the whole data, which does not exceed Jira's limit.
type file struct {
	blob action.Blob
	name string
	mime string
}

// fetch reads the data, after asking Jira for the largest attachment that it accepts.
func (c *client) fetch(ctx context.Context, req *action.Request) (*file, error) {
	var limits struct {
		Enabled bool  `json:"enabled"`
		Limit   int64 `json:"uploadLimit"`
	}
	if err := c.get(ctx, c.site.path("attachment", "meta"), &limits); err != nil {
		return nil, err
	}
	if !limits.Enabled {
		return nil, action.InvalidField("attachData", "This JIRA server does not allow attachments.")
	}
	if limits.Limit <= 0 {
		limits.Limit = math.MaxInt64
	}
	blob, err := req.Data.Spool(ctx, limits.Limit)
	if action.KindOf(err) == action.TooLarge {
		return nil, action.Wrap(err, action.TooLarge, "The data is too large. This JIRA server allows attachments of up to %d "+
			"bytes.", limits.Limit)
	}
	if err != nil {
		return nil, err
	}
	return &file{blob: blob, name: req.SuggestedFilename(), mime: message.MediaType(req.Data)}, nil
}

// attach adds the file to an issue. The size is announced, and Jira reports the size that it
// stored, so that an incomplete upload is not taken for a complete one.
func (c *client) attach(ctx context.Context, to created, data *file) error {
	body, err := outbound.Multipart(outbound.File{Field: "file", Name: data.name, ContentType: data.mime, Blob: data.blob}, nil)
	if err != nil {
		return err
	}
	body.Header = http.Header{"X-Atlassian-Token": {"no-check"}} // otherwise Jira rejects it as a forged request
	api := c.api(0)                                              // large files take their time
	once := deliver.Once{MaybeDeliveredHint: "The file may already be attached."}
	return once.Do(ctx, func(ctx context.Context) error {
		return api.Call(ctx, http.MethodPost, c.site.path("issue", string(to.ID), "attachments"), body, &attached{size: data.blob.Size()})
	})
}

// attached is Jira's response to an attachment.
type attached struct {
	files []struct {
		Size int64 `json:"size"`
	}
	size int64 // of the file that was sent
}

// UnmarshalJSON implements [json.Unmarshaler].
func (a *attached) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, &a.files) }

// Validate implements what [outbound.API.Call] asks for.
func (a *attached) Validate() error {
	if len(a.files) != 1 || a.files[0].Size != a.size {
		return errors.New("the response does not confirm the whole file")
	}
	return nil
}

// wikiText returns the description for version 2 of the API, which reads it as wiki markup.
func wikiText(i issue) any {
	text := i.description
	if i.link != "" {
		text += "\nLooker URL: " + i.link
	}
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	return text
}

// document returns the description for version 3 of the API, without any markup. The link is a
// paragraph of its own.
func document(i issue) any {
	paragraphs := adf.Paragraphs(i.description)
	if i.link != "" {
		paragraphs = append(paragraphs, adf.Paragraph(adf.Text("Looker URL: "), adf.Link(i.link)))
	}
	if len(paragraphs) == 0 {
		return nil
	}
	return adf.Document(paragraphs...)
}
