package googlecloudstorage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/google/serviceaccount"
	"integrationhub.dev/integrations/internal/message"
)

// The calls are made by hand. For the three of them, cloud.google.com/go/storage would add 28
// megabytes to the hub, and google.golang.org/api ten: both link gRPC.

// Google asks for exponential waits: https://cloud.google.com/storage/docs/retry-strategy
var (
	writeRetry = deliver.Retry{MaxAttempts: 6, InitialBackoff: time.Second, MaxBackoff: 32 * time.Second}
	// readRetry is for forms, where a user waits.
	readRetry = deliver.Retry{MaxAttempts: 3, InitialBackoff: 500 * time.Millisecond, MaxBackoff: 4 * time.Second}
)

const (
	readTimeout = 30 * time.Second
	scope       = "https://www.googleapis.com/auth/devstorage.read_write"
)

// client is one account's access during one request.
type client struct {
	*Integration
	tokens oauth2.TokenSource
	// refused is what the Looker user is told when Google does not take the account.
	refused string
}

func (i *Integration) client(ctx context.Context, a account) (*client, error) {
	if strings.TrimSpace(a.Key.Reveal()) == "" && i.settings.keyless() {
		if i.settings.PodIdentity {
			return i.podClient(ctx), nil
		}
		return i.ownClient(ctx)
	}
	sa, err := serviceaccount.New(a.Email, a.Key)
	switch {
	case err != nil:
		return nil, action.Wrap(err, action.Invalid, "The private key cannot be used: %v. Copy it as it is from the key file, with "+
			"its first and last line, or the whole key file.", err)
	case sa.Email == "":
		return nil, action.Errorf(action.Invalid, "The client email is missing. Enter it in the action's settings in Looker.")
	}
	return &client{i, sa.Tokens(ctx, i.deps.HTTP, scope), "Google does not accept this client email with this private key. Check " +
		"both in the action's settings in Looker."}, nil
}

// ownClient writes as the hub itself: as a service account, or as the identity of its workload
// (https://cloud.google.com/iam/docs/workload-identity-federation). The file is read each
// time, since Kubernetes may replace it.
func (i *Integration) ownClient(ctx context.Context) (*client, error) {
	const refused = "Google does not accept the hub's own credentials. The hub's administrator must look at " +
		"GOOGLE_CLOUD_STORAGE_CREDENTIALS_FILE."
	file, err := os.ReadFile(i.settings.CredentialsFile)
	if err != nil {
		return nil, action.Wrap(fmt.Errorf("reading the hub's credentials: %w", err), action.Internal, refused)
	}
	var kind struct{ Type google.CredentialsType }
	err = json.Unmarshal(file, &kind)
	ctx, calls := serviceaccount.NewCalls(ctx, i.deps.HTTP)
	var c *google.Credentials
	if err == nil {
		c, err = google.CredentialsFromJSONWithType(ctx, file, kind.Type, scope)
	}
	if err != nil { // it may quote the file
		return nil, action.Wrap(errors.New("the hub's credentials file cannot be used"), action.Internal, refused)
	}
	return &client{i, calls.Source(c.TokenSource), refused}, nil
}

// withAPI calls f with an API that has an access token; it is a [resumable.Caller].
func (c *client) withAPI(ctx context.Context, f func(context.Context, outbound.API) error) error {
	token, err := c.tokens.Token()
	if err != nil {
		return serviceaccount.Explain(ctx, err, c.refused)
	}
	return f(ctx, outbound.API{
		Name: name, Base: string(c.settings.Endpoint), Client: c.deps.HTTP, Timeout: readTimeout, Authorize: token.SetAuthHeader, Explain: explain,
	})
}

// errMayNotList says that the account is good, but not for seeing the buckets.
var errMayNotList = errors.New("the account may not list buckets")

// listBuckets: https://cloud.google.com/storage/docs/json_api/v1/buckets/list
func (c *client) listBuckets(ctx context.Context, project string) ([]string, error) {
	query := url.Values{"project": {strings.TrimSpace(project)}, "fields": {"nextPageToken,items(name)"}, "maxResults": {"1000"}}
	var names []string
	for {
		var page struct {
			Items []struct {
				Name string `json:"name"`
			} `json:"items"`
			Next string `json:"nextPageToken"`
		}
		err := c.reads.Do(ctx, func(ctx context.Context) error {
			return c.withAPI(ctx, func(ctx context.Context, api outbound.API) error {
				return api.Call(ctx, http.MethodGet, outbound.WithQuery("/storage/v1/b", query), nil, &page)
			})
		})
		if s, ok := errors.AsType[*outbound.StatusError](err); ok && s.Code == http.StatusForbidden {
			return nil, errMayNotList
		}
		if err != nil {
			return nil, fmt.Errorf("listing buckets: %w", err)
		}
		for _, b := range page.Items {
			names = append(names, b.Name)
		}
		if page.Next == "" {
			return names, nil
		}
		query.Set("pageToken", page.Next)
	}
}

// explain adds Google's reason for rejecting a request:
// https://cloud.google.com/storage/docs/json_api/v1/status-codes
func explain(err *action.Error, status *outbound.StatusError) error {
	switch {
	case status.Code < http.StatusBadRequest:
		return err
	case status.Code == http.StatusPreconditionFailed:
		return action.Wrap(err, action.Invalid, "A file with this name already exists.").WithField("filename")
	}
	var response struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(status.Body, &response) != nil || response.Error.Message == "" {
		return err
	}
	return action.Wrap(err, err.Kind, "%s answered %d: %s", name, status.Code, message.Line(response.Error.Message))
}
