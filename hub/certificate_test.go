package hub_test

import (
	"testing"

	"integrationhub.dev/hub/selfsigned"
)

type pair struct{ cert, key string }

func selfSigned(t *testing.T, name string) pair {
	t.Helper()
	c, err := selfsigned.New(name)
	if err != nil {
		t.Fatal(err)
	}
	return pair{string(c.CertPEM), string(c.KeyPEM)}
}
