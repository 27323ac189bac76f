package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/jellydator/ttlcache/v3"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	authenticationclient "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const (
	// How long a decision of the API server is kept. A revoked token is valid for that long.
	allowedFor = time.Minute
	deniedFor  = 10 * time.Second
	// maxDecisions bounds the memory for decisions, of about 200 bytes each.
	maxDecisions = 1000
	// reviewTimeout is shorter than the timeout of a scrape.
	reviewTimeout = 8 * time.Second
)

// requireAuthorization lets only those clients through whose bearer token the API server authenticates
// (TokenReview), and which it allows the request (SubjectAccessReview), as controller-runtime's
// filters.WithAuthenticationAndAuthorization does. That one links the API server's own library with
// gRPC, tracing and CEL, which is two fifths of the manager's program and 10 MiB of its memory.
func requireAuthorization(config *rest.Config, client *http.Client) (metricsserver.Filter, error) {
	tokens, err := authenticationclient.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, fmt.Errorf("making a client for TokenReviews: %w", err)
	}
	access, err := authorizationclient.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, fmt.Errorf("making a client for SubjectAccessReviews: %w", err)
	}
	a := &authorizer{tokens: tokens.TokenReviews(), access: access.SubjectAccessReviews(), decisions: ttlcache.New(
		ttlcache.WithCapacity[decisionKey, int](maxDecisions), ttlcache.WithDisableTouchOnHit[decisionKey, int](),
	)}
	return func(log logr.Logger, next http.Handler) (http.Handler, error) {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			status, err := a.decide(r)
			switch {
			case err != nil:
				log.Error(err, "cannot authorize a request for metrics")
				http.Error(w, "The authorization check failed. See the manager's log.", http.StatusInternalServerError)
			case status != http.StatusOK:
				http.Error(w, http.StatusText(status), status)
			default:
				next.ServeHTTP(w, r)
			}
		}), nil
	}, nil
}

// authorizer asks the API server about requests.
type authorizer struct {
	tokens authenticationclient.TokenReviewInterface
	access authorizationclient.SubjectAccessReviewInterface
	// decisions are HTTP statuses.
	decisions *ttlcache.Cache[decisionKey, int]
}

// decisionKey has a token's checksum, so that no token stays in memory.
type decisionKey struct {
	token      [sha256.Size]byte
	verb, path string
}

// decide returns 200, 401 or 403.
func (a *authorizer) decide(r *http.Request) (int, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "Bearer") || token == "" {
		return http.StatusUnauthorized, nil
	}
	key := decisionKey{token: sha256.Sum256([]byte(token)), verb: strings.ToLower(r.Method), path: r.URL.Path}
	if known := a.decisions.Get(key); known != nil {
		return known.Value(), nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), reviewTimeout)
	defer cancel()
	status, err := a.ask(ctx, token, key)
	if err != nil {
		return 0, err
	}
	keep := deniedFor
	if status == http.StatusOK {
		keep = allowedFor
	}
	a.decisions.Set(key, status, keep)
	return status, nil
}

func (a *authorizer) ask(ctx context.Context, token string, key decisionKey) (int, error) {
	review, err := a.tokens.Create(ctx, &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}, metav1.CreateOptions{})
	if err != nil {
		return 0, fmt.Errorf("creating a TokenReview: %w", err)
	}
	if !review.Status.Authenticated {
		return http.StatusUnauthorized, nil
	}
	user := review.Status.User
	extra := make(map[string]authorizationv1.ExtraValue, len(user.Extra))
	for name, values := range user.Extra {
		extra[name] = authorizationv1.ExtraValue(values)
	}
	access, err := a.access.Create(ctx, &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra,
		NonResourceAttributes: &authorizationv1.NonResourceAttributes{Verb: key.verb, Path: key.path},
	}}, metav1.CreateOptions{})
	if err != nil {
		return 0, fmt.Errorf("creating a SubjectAccessReview: %w", err)
	}
	if !access.Status.Allowed {
		return http.StatusForbidden, nil
	}
	return http.StatusOK, nil
}
