package rowbucket

import (
	"context"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// tokenMargin is how long before its end a token is replaced, as in the SDK.
const tokenMargin = 5 * time.Minute

// cachedToken keeps the token of the pod's identity, because each blob has a client of its own, which would fetch one.
// All requests have the same scope.
type cachedToken struct {
	credential azcore.TokenCredential

	mu    sync.Mutex
	token azcore.AccessToken
}

// GetToken implements [azcore.TokenCredential].
func (c *cachedToken) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	c.mu.Lock()
	token := c.token
	c.mu.Unlock()
	if time.Until(token.ExpiresOn) > tokenMargin {
		return token, nil
	}
	token, err := c.credential.GetToken(ctx, o)
	if err != nil {
		return token, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token = token
	return token, nil
}
