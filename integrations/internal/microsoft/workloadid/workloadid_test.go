package workloadid_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/microsoft/workloadid"
)

// "Microsoft Entra ID may return a Retry-After header indicating to clients to pause for a few seconds, which needs to be taken
// into account" (https://learn.microsoft.com/entra/msal/dotnet/advanced/exceptions/retry-policy).
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("pod's token"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "60"}})
	credential := workloadid.Credential{
		Pod:  workloadid.Pod{Client: "client", Tenant: "tenant", TokenFile: file, Authority: "https://login.microsoftonline.com/"},
		HTTP: actiontest.Deps(t, d, nil).HTTP,
	}
	_, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"scope"}})
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok || status.RetryAfter != time.Minute || action.KindOf(err) != action.RateLimited {
		t.Errorf("error %v", err)
	}
}
