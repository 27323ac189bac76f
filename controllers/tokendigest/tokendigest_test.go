package tokendigest_test

import (
	"strings"
	"testing"

	"integrationhub.dev/controllers/tokendigest"
)

func TestDigest(t *testing.T) {
	t.Parallel()
	token := []byte("nonce/digest")
	one, two := tokendigest.New(token), tokendigest.New(token)
	switch {
	case one == two:
		t.Error("two digests of a token are equal, so they reveal that two registrations have the same token")
	case strings.Contains(one, "nonce"):
		t.Errorf("the digest %s contains the token", one)
	case !tokendigest.Matches(one, token) || !tokendigest.Matches(two, token):
		t.Error("a digest does not match its token")
	}
	salt, _, _ := strings.Cut(strings.TrimPrefix(one, "sha256:"), ":")
	for _, digest := range []string{
		"", ":", "::", "sha256::", one[:len(one)-1], strings.ToUpper(one), "md5" + strings.TrimPrefix(one, "sha256"),
		"sha256:x:" + strings.Repeat("0", 64), "sha256:" + salt + ":", tokendigest.New([]byte("another/token")),
	} {
		if tokendigest.Matches(digest, token) {
			t.Errorf("the digest %q matches", digest)
		}
	}
}
