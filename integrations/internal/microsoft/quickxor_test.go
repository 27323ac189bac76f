package microsoft_test

import (
	"encoding/base64"
	"testing"

	"integrationhub.dev/integrations/internal/microsoft"
)

// The content and the hash of each are in base64. They were computed with Microsoft's own code.
func TestQuickXor(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ content, want string }{
		"nothing":   {"", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="},
		"one byte":  {"Sg==", "SgAAAAAAAAAAAAAAAQAAAAAAAAA="},
		"two bytes": {"tbQ=", "taAFAAAAAAAAAAAAAgAAAAAAAAA="},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content, err := base64.StdEncoding.DecodeString(tt.content)
			if err != nil {
				t.Fatal(err)
			}
			var q microsoft.QuickXor
			for n := range content {
				_, _ = q.Write(content[n : n+1])
			}
			if got := q.Sum(); got != tt.want {
				t.Errorf("hash %s, want %s", got, tt.want)
			}
		})
	}
}
