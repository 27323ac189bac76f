package sealed

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"
)

func box(secrets ...string) *Box {
	return New(func() (list [][]byte) {
		for _, s := range secrets {
			list = append(list, []byte(s))
		}
		return list
	}, nil)
}

func TestSealOpen(t *testing.T) {
	t.Parallel()
	b := box("a secret")
	text, err := b.Seal([]byte("plain"), "airtable|login")
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.Open(text, "airtable|login", time.Hour)
	if err != nil || string(got) != "plain" {
		t.Fatalf("opened %q, %v", got, err)
	}
	if _, err := b.Open(text, "dropbox|login", time.Hour); !errors.Is(err, ErrInvalid) {
		t.Errorf("opened for another purpose: %v", err)
	}
	if _, err := box("another").Open(text, "airtable|login", 0); !errors.Is(err, ErrInvalid) {
		t.Errorf("opened with another key: %v", err)
	}
	if got, err := box("new", "a secret").Open(text, "airtable|login", 0); err != nil || string(got) != "plain" {
		t.Errorf("after a rotation: %q, %v", got, err)
	}
	b.now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	if _, err := b.Open(text, "airtable|login", time.Hour); !errors.Is(err, ErrExpired) {
		t.Errorf("opened though too old: %v", err)
	}
	b.now = func() time.Time { return time.Now().Add(-2 * time.Minute) }
	if _, err := b.Open(text, "airtable|login", time.Hour); !errors.Is(err, ErrInvalid) {
		t.Errorf("opened though sealed in the future: %v", err)
	}
	if _, err := b.Open(text, "airtable|login", 0); err != nil {
		t.Errorf("what keeps for ever, with a clock that went back: %v", err)
	}
}

func TestEveryBitCounts(t *testing.T) {
	t.Parallel()
	b := box("a secret")
	text, err := b.Seal([]byte(`{"state_url":"https://looker.example.com/x"}`), "p")
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		for bit := range 7 {
			changed := []byte(text)
			changed[i] ^= 1 << bit
			// The last base64 digit has bits that decode to nothing.
			if got, err := b.Open(string(changed), "p", 0); err == nil && i < len(text)-1 {
				t.Fatalf("byte %d bit %d changed, yet it opened as %q", i, bit, got)
			}
		}
	}
}

func TestLegacyVectors(t *testing.T) {
	t.Parallel()
	key, err := hex.DecodeString("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	if err != nil {
		t.Fatal(err)
	}
	b := New(nil, key)
	for _, tt := range []struct{ text, want string }{
		{
			"1043022oKGio6SlpqeoqaqrrK2urwI3HcMc0S5YV4Lb3BOCn94BExO9HM4QWonOqoylcQw58czBP4VVSz5M-ENy7R_41OkCy43MLaGg6euNjlvBAoGsX-xQnzVhhEgi53V2Qte8jrPv3jPdKPYN7dMxiDJ0beaC2dYlbH8YB",
			`{"tokens":{"access_token":"ya29.ä"},"redirect":"https://hub.example/x"}`,
		},
		{"1043022XLVo1m8TWRIXhzlLFVFV1gBJnGj1FTw1TRIJq8j3MUJG3gGBMe5-WUwt2mIDbqmGAg_fvpKM", "hello"},
	} {
		got, err := b.OpenLegacy(tt.text)
		if err != nil || string(got) != tt.want {
			t.Errorf("opened %q, %v; want %q", got, err, tt.want)
		}
	}
}

// The reference reads what SealLegacy writes: it is the format of its vectors, whose lengths never differ.
func TestSealLegacy(t *testing.T) {
	t.Parallel()
	key, err := hex.DecodeString("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	if err != nil {
		t.Fatal(err)
	}
	b := New(nil, key)
	const plain = `{"tokens":{"access_token":"ya29.ä"},"redirect":"https://hub.example/x"}`
	text, err := b.SealLegacy([]byte(plain))
	if err != nil || !strings.HasPrefix(text, "1043022") || len(text) != 7+22+43+base64.RawURLEncoding.EncodedLen(len(plain)) {
		t.Fatalf("sealed %q, %v", text, err)
	}
	if got, err := b.OpenLegacy(text); err != nil || string(got) != plain {
		t.Errorf("opened %q, %v", got, err)
	}
	if again, _ := b.SealLegacy([]byte(plain)); again == text {
		t.Error("two texts have the same key and IV")
	}
	if got, want := b.LegacyKeyID(), "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd"; got != want {
		t.Errorf("key ID %s, want %s", got, want)
	}
	if _, err := New(nil, nil).SealLegacy([]byte(plain)); !errors.Is(err, ErrNoKey) {
		t.Errorf("without a key: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add("1043022XLVo1m8TWRIXhzlLFVFV1gBJnGj1FTw1TRIJq8j3MUJG3gGBMe5-WUwt2mIDbqmGAg_fvpKM")
	f.Add("2AAAA")
	f.Add("1999999")
	b := New(func() [][]byte { return [][]byte{[]byte("k")} }, bytes.Repeat([]byte{1}, 32))
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := b.Open(text, "p", 0); err == nil {
			t.Errorf("%q opened as %q without the key", text, got)
		}
		_, _ = b.OpenLegacy(text) // must not panic
	})
}
