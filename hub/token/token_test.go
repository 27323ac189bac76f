package token_test

import (
	"testing"

	"integrationhub.dev/hub/token"
)

// vector was minted by the reference from the secret "test-secret".
const vector = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff/64c4c6019a9da3cf541509967d65bd9e9787222737b4b5862baeace8a104a80aa6c5bf8a4c5e5abe1c5704e7567f8a20a489a582fe69e5f003cce8e809f4399f"

func TestValid(t *testing.T) {
	t.Parallel()
	secret, other := []byte("test-secret"), []byte("other")
	minted, err := token.New(secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		token   string
		secrets [][]byte
		want    bool
	}{
		{"the reference's", vector, [][]byte{secret}, true},
		{"our own", minted, [][]byte{secret}, true},
		{"one of several secrets", minted, [][]byte{other, secret}, true},
		{"more after a slash", vector + "/more", [][]byte{secret}, true},
		{"another secret", vector, [][]byte{other}, false},
		{"no secret", vector, nil, false},
		{"an empty secret", vector, [][]byte{{}}, false},
		{"a short digest", "a/b", [][]byte{secret}, false},
		{"no slash", "ab", [][]byte{secret}, false},
		{"no nonce", "/" + vector[65:], [][]byte{secret}, false},
		{"empty", "", [][]byte{secret}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := token.Valid(tt.token, tt.secrets...); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// A proof is valid for its secret and its challenge only, and is never a token.
func TestProof(t *testing.T) {
	t.Parallel()
	secret, other := []byte("test-secret"), []byte("other")
	proof := token.Proof(secret, "challenge")
	for name, got := range map[string]bool{
		"another secret":    token.ValidProof(proof, "challenge", other),
		"another challenge": token.ValidProof(proof, "challenge2", secret),
		"no challenge":      token.ValidProof(token.Proof(secret, ""), "", secret),
		"no secret":         token.ValidProof(token.Proof(nil, "challenge"), "challenge", nil, []byte{}),
		"used as a token":   token.Valid("challenge/"+proof, secret),
	} {
		if got {
			t.Errorf("%s: valid", name)
		}
	}
	if !token.ValidProof(proof, "challenge", other, secret) {
		t.Error("the proof is not valid for its own secret")
	}
}

func TestNewWithoutSecret(t *testing.T) {
	t.Parallel()
	if _, err := token.New(nil); err == nil {
		t.Error("minted from nothing")
	}
}

func TestSecret(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"a": "a", "a\n": "a", "a\r\n": "a", " a ": " a ", "\n": ""} {
		if got := string(token.Secret([]byte(text))); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func FuzzValid(f *testing.F) {
	f.Add(vector)
	f.Add("a/b/c")
	f.Fuzz(func(t *testing.T, text string) {
		if token.Valid(text, []byte("a secret nobody guesses")) {
			t.Errorf("%q is valid", text)
		}
	})
}
