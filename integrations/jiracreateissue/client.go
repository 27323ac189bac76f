package jiracreateissue

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/adf"
	"integrationhub.dev/integrations/internal/jirafield"
	"integrationhub.dev/integrations/internal/message"
	"integrationhub.dev/integrations/internal/pasted"
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
	// form are the names of the fields in the user's form.
	form []string
}

// personalToken is the pattern of Data Center's personal access tokens: base64 of twelve digits, a
// colon and twenty bytes.
var personalToken = regexp.MustCompile(`^[MNO][A-Za-z0-9+/]{43}$`)

// authorize adds the credentials. A personal access token is sent alone; a Cloud API token or a
// password is sent with the user name. What stands around a token was copied by accident, but white
// space can belong to a password.
func (c *client) authorize(req *http.Request) {
	username, password := pasted.Text(c.username), c.password.Reveal()
	token := pasted.Token(password)
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

// projects returns the projects that the user may see. Jira cannot filter them by the permission to create issues
// (https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-projects/#api-rest-api-3-project-search-get, action).
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
			"action": {"browse"}, "orderBy": {"name"}, "maxResults": {strconv.Itoa(pageSize)}, "startAt": {strconv.Itoa(len(all))},
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

// maxMetadata limits the issue types and the fields that are read, also if Jira's paging never ended.
const maxMetadata = 1000

// metadata reads all pages of what may be created: the issue types of a project, or the fields of an issue type
// (https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/, Get create metadata issue types for a
// project; the older issue/createmeta without a project is deprecated). Data Center has it since version 8.4: the error of an older
// one is of the kind [action.NotFound].
func metadata[T any](ctx context.Context, c *client, segments ...string) ([]T, error) {
	path := c.site.path(append([]string{"issue", "createmeta"}, segments...)...)
	var all []T
	for {
		var page metadataPage[T]
		err := c.get(ctx, outbound.WithQuery(path, url.Values{
			"maxResults": {strconv.Itoa(pageSize)}, "startAt": {strconv.Itoa(len(all))},
		}), &page)
		if err != nil {
			return nil, err
		}
		items := page.items()
		all = append(all, items...)
		if page.IsLast || len(items) == 0 || page.Total > 0 && len(all) >= page.Total || len(all) >= maxMetadata {
			return all[:min(len(all), maxMetadata)], nil
		}
	}
}

// metadataPage is a page. Cloud names its items after what they are, and Data Center calls them values.
type metadataPage[T any] struct {
	IssueTypes []T  `json:"issueTypes"`
	Fields     []T  `json:"fields"`
	Values     []T  `json:"values"`
	Total      int  `json:"total"`
	IsLast     bool `json:"isLast"`
}

func (p metadataPage[T]) items() []T { return slices.Concat(p.IssueTypes, p.Fields, p.Values) }

// issueType is a type of a project's issues.
type issueType struct {
	named
	Subtask bool `json:"subtask"`
}

// issueTypes returns the types of a project whose issues need no parent.
func (c *client) issueTypes(ctx context.Context, project id) ([]named, error) {
	all, err := metadata[issueType](ctx, c, string(project), "issuetypes")
	if action.KindOf(err) == action.NotFound {
		var answer struct {
			IssueTypes []issueType `json:"issueTypes"`
		}
		err = c.get(ctx, c.site.path("project", string(project)), &answer)
		all = answer.IssueTypes
	}
	if err != nil {
		return nil, err
	}
	var types []named
	for _, t := range all {
		if !t.Subtask {
			types = append(types, t.named)
		}
	}
	return types, nil
}

// fields returns the fields of the screen for a new issue.
func (c *client) fields(ctx context.Context, project, issueType id) ([]jirafield.Field, error) {
	return metadata[jirafield.Field](ctx, c, string(project), "issuetypes", string(issueType))
}

// user is a user of Jira. Cloud hides the e-mail addresses of most.
type user struct {
	AccountID string `json:"accountId"`
	Name      string `json:"displayName"`
	Email     string `json:"emailAddress"`
}

// userSearch finds the users of a project. It implements [jirafield.Site].
type userSearch struct {
	*client
	project id
}

// Cloud implements [jirafield.Site].
func (s userSearch) Cloud() bool { return s.site.cloud }

// User implements [jirafield.Site]. Data Center identifies users by their names, and Cloud by account IDs.
func (s userSearch) User(ctx context.Context, text string, assignee bool) (any, error) {
	if !s.site.cloud {
		return map[string]string{"name": text}, nil
	}
	found, err := s.search(ctx, text, assignee)
	if err != nil {
		return nil, err
	}
	exact := slices.DeleteFunc(slices.Clone(found), func(u user) bool { return !u.is(text) })
	switch {
	case len(exact) == 1:
		return map[string]string{"accountId": exact[0].AccountID}, nil
	case len(found) == 1 && found[0].Email == "" && strings.Contains(text, "@"): // found by an address that Jira hides
		return map[string]string{"accountId": found[0].AccountID}, nil
	case len(found) > 1:
		return nil, errors.New("matches several users: enter an e-mail address or an account ID")
	case len(found) == 1:
		return nil, errors.New("must be the whole name of a user, an e-mail address or an account ID")
	case accountID.MatchString(text):
		return map[string]string{"accountId": text}, nil
	case assignee:
		return nil, errors.New("must be a user to whom issues of the project can be assigned")
	}
	return nil, errors.New("must be a user whom the account for Jira may see")
}

// is reports whether the user is the one with this name, e-mail address or account ID. Jira's search has a wider meaning: "query=john
// matches a user with a displayName of John Smith and a user with an emailAddress of johnson@example.com".
func (u user) is(text string) bool {
	return u.AccountID == text || strings.EqualFold(u.Email, text) || strings.EqualFold(u.Name, text)
}

// maxUsers is Jira's limit of a search: it finds users "up to the thousandth user, and then returns only the users from that range
// that can be assigned the issue".
const maxUsers = "1000"

// search finds the users whose name or e-mail address begins with text
// (https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-user-search/).
func (s userSearch) search(ctx context.Context, text string, assignee bool) ([]user, error) {
	path, query := s.site.path("user", "search"), url.Values{"query": {text}, "maxResults": {maxUsers}}
	if assignee {
		path = s.site.path("user", "assignable", "search")
		query.Set("project", string(s.project))
	}
	var found []user
	err := s.get(ctx, outbound.WithQuery(path, query), &found)
	return found, err
}

// accountID is the pattern of Atlassian's account IDs.
var accountID = regexp.MustCompile(`^(?:[0-9a-f]{24}|[0-9]+:[0-9a-f-]{36})$`)

// issue is the issue to create. link leads to the data in Looker; it may be empty.
type issue struct {
	project, issueType         id
	summary, description, link string
	// more are the values of further fields.
	more map[string]any
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
	fields := map[string]any{"project": ref{i.project}, "summary": i.summary, "issuetype": ref{i.issueType}}
	maps.Copy(fields, i.more)
	description := wikiText(i)
	if c.site.cloud {
		description = document(i)
	}
	if description != nil {
		fields["description"] = description
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
