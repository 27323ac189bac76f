package payload_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/payload"
)

// FuzzBase64 holds binary attachments against encoding/base64: what that takes arrives to the
// byte, in either alphabet, padded or not and in lines or not; what is no base64 is an error
// of the request and never passes for whole.
func FuzzBase64(f *testing.F) {
	f.Add([]byte("\xfb\xff\xbf"), "+/+/", 3)
	f.Add([]byte("%PDF-1.7"), "YQ==", 1)
	f.Add([]byte{}, "AAAAA", 0)
	f.Add([]byte("x"), "Y\x00Q", 76)
	f.Fuzz(func(t *testing.T, data []byte, text string, line int) {
		for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
			if got, err := attachment(t, lines(e.EncodeToString(data), line)); err != nil || got != string(data) {
				t.Errorf("%q arrived as %q, %v", data, got, err)
			}
		}
		got, err := attachment(t, text)
		if want, bad := base64.StdEncoding.DecodeString(text); bad == nil && (err != nil || got != string(want)) {
			t.Errorf("%q gave %q, %v; the library says %q", text, got, err, want)
		}
		if err != nil && action.KindOf(err) != action.Invalid {
			t.Errorf("%q: %v", text, err)
		}
		if strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_= \t\r\n") != "" && err == nil {
			t.Errorf("%q passed for base64 of %q", text, got)
		}
	})
}

// Groups of characters and line breaks cross the blocks in which the text is read.
func TestBase64InBlocks(t *testing.T) {
	t.Parallel()
	data := make([]byte, 300_001)
	_, _ = rand.NewChaCha8([32]byte{}).Read(data)
	for _, line := range []int{0, 1, 61, 64, 76, 65536} {
		for name, e := range map[string]*base64.Encoding{"standard": base64.StdEncoding, "URL, without padding": base64.RawURLEncoding} {
			if got, err := attachment(t, lines(e.EncodeToString(data), line)); err != nil || got != string(data) {
				t.Errorf("%s in lines of %d: %d bytes and the error %v, want the %d bytes of the data", name, line, len(got), err, len(data))
			}
		}
	}
	text := base64.StdEncoding.EncodeToString(data)
	if got, err := attachment(t, text[:200_000]+"!"+text[200_000:]); action.KindOf(err) != action.Invalid || !strings.HasPrefix(string(data), got) {
		t.Errorf("text with a character that is not base64: %d bytes and the error %v", len(got), err)
	}
}

// lines breaks text after each n characters.
func lines(text string, n int) string {
	if n <= 0 {
		return text
	}
	var b strings.Builder
	for ; len(text) > n; text = text[n:] {
		b.WriteString(text[:n] + "\r\n")
	}
	return b.String() + text
}

// attachment sends text as a binary attachment and returns what an integration reads.
func attachment(t *testing.T, text string) (string, error) {
	t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"attachment":{"mimetype":"application/pdf;base64","data":%s}}`, quoted)
	e, err := payload.Decode(strings.NewReader(body), (&payload.Spool{Dir: t.TempDir()}).Share(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	r, err := e.Data(nil).Open(t.Context())
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), err
}
