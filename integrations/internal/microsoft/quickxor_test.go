package microsoft_test

import (
	"encoding/base64"
	"testing"

	"integrationhub.dev/integrations/internal/microsoft"
)

// The content and the hash of each are in base64.
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

// bitByBit is the hash as Microsoft describes it: each byte is XORed into a circular register of 160 bits, 11 bits after the one before,
// and the length into its last 64 bits.
func bitByBit(content []byte) string {
	var register [160]bool
	flip := func(at int, value uint64, bits int) {
		for bit := range bits {
			if value>>bit&1 == 1 {
				register[(at+bit)%len(register)] = !register[(at+bit)%len(register)]
			}
		}
	}
	for n, b := range content {
		flip(11*n, uint64(b), 8)
	}
	flip(160-64, uint64(len(content)), 64)
	var sum [20]byte
	for n, set := range register {
		if set {
			sum[n/8] |= 1 << (n % 8)
		}
	}
	return base64.StdEncoding.EncodeToString(sum[:])
}

func TestQuickXorWraps(t *testing.T) {
	t.Parallel()
	var content []byte
	for n := range 1000 {
		content = append(content, byte(n*n+n/7))
	}
	for size := range content {
		var q microsoft.QuickXor
		_, _ = q.Write(content[:size/3])
		_, _ = q.Write(content[size/3 : size])
		if got, want := q.Sum(), bitByBit(content[:size]); got != want {
			t.Fatalf("%d bytes: hash %s, want %s", size, got, want)
		}
	}
}
