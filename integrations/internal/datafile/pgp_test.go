package datafile_test

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/datafile"
)

// newKey makes a key, which is changed before its public part is exported.
func newKey(t *testing.T, user string, config *packet.Config, change ...func(*openpgp.Entity)) *openpgp.Entity {
	t.Helper()
	key, err := openpgp.NewEntity(user, "", strings.ToLower(user)+"@example.com", config)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(key)
	}
	return key
}

// curve are small keys, which are made at once.
var curve = &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Curve: packet.Curve25519}

func exported(t *testing.T, keys ...*openpgp.Entity) string {
	t.Helper()
	var b strings.Builder
	w, err := armor.Encode(&b, "PGP PUBLIC KEY BLOCK", map[string]string{"Version": "GnuPG v2.0.22 (GNU/Linux)", "Comment": "a comment"})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if err := key.Serialize(w); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func exportedPrivate(t *testing.T, key *openpgp.Entity) string {
	t.Helper()
	var b strings.Builder
	w, err := armor.Encode(&b, "PGP PRIVATE KEY BLOCK", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := key.SerializePrivate(w, nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func csv(t *testing.T, form map[string]string, content string) *action.Request {
	t.Helper()
	return actiontest.Inline(t, actiontest.Query(nil, form), "text/csv", "csv", []byte(content))
}

// encrypt returns a request's data as it is written.
func encrypt(t *testing.T, req *action.Request) []byte {
	t.Helper()
	o, err := datafile.Decode(req)
	if err != nil {
		t.Fatal(err)
	}
	if !o.Encrypts() {
		t.Fatal("the file is not encrypted")
	}
	src, err := o.Encrypt(o.Data(req)).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	got, err := io.ReadAll(src)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func decrypt(message []byte, key *openpgp.Entity) (string, error) {
	m, err := openpgp.ReadMessage(bytes.NewReader(message), openpgp.EntityList{key}, nil, nil)
	if err != nil {
		return "", err
	}
	plain, err := io.ReadAll(m.UnverifiedBody)
	return string(plain), err
}

// Only the recipients can decrypt the file.
func TestEncrypt(t *testing.T) {
	t.Parallel()
	rsa := newKey(t, "Rosa", &packet.Config{Algorithm: packet.PubKeyAlgoRSA, RSABits: 2048, DefaultHash: crypto.SHA256})
	ed, aead := newKey(t, "Edda", curve), newKey(t, "Aeon", &packet.Config{Algorithm: packet.PubKeyAlgoEd25519, V6Keys: true, AEADConfig: &packet.AEADConfig{}})
	other := newKey(t, "Otto", curve)
	for _, size := range []int{0, 1, 511, 512, 513, 300_000} {
		content := strings.Repeat("0123456789\n", size/11+1)[:size]
		for name, tt := range map[string]struct {
			keys string
			to   []*openpgp.Entity
		}{
			"RSA":           {exported(t, rsa), []*openpgp.Entity{rsa}},
			"a curve":       {exported(t, ed), []*openpgp.Entity{ed}},
			"version 6":     {exported(t, aead), []*openpgp.Entity{aead}},
			"one block":     {exported(t, rsa, ed, aead), []*openpgp.Entity{rsa, ed, aead}},
			"two blocks":    {exported(t, rsa) + "\nand\n" + exported(t, ed), []*openpgp.Entity{rsa, ed}},
			"the same keys": {exported(t, ed) + exported(t, ed), []*openpgp.Entity{ed}},
		} {
			req := csv(t, map[string]string{"pgp_public_keys": tt.keys}, content)
			if size == 0 {
				req.Data = actiontest.Download(t, req, func(http.ResponseWriter, *http.Request) {}).Data
			}
			got := encrypt(t, req)
			for _, key := range tt.to {
				plain, err := decrypt(got, key)
				if err != nil {
					t.Errorf("%s, %d bytes: %v", name, size, err)
				}
				if plain != content {
					t.Errorf("%s, %d bytes: decrypted %d bytes", name, size, len(plain))
				}
			}
			if _, err := decrypt(got, other); err == nil {
				t.Errorf("%s, %d bytes: another key decrypts it", name, size)
			}
		}
	}
}

func TestEncryptArmored(t *testing.T) {
	t.Parallel()
	key := newKey(t, "Edda", curve)
	got := encrypt(t, csv(t, map[string]string{"pgp_public_keys": exported(t, key), "pgp_format": "armored"}, "a,b\n1,2\n"))
	block, err := armor.Decode(bytes.NewReader(got))
	if err != nil || block.Type != "PGP MESSAGE" {
		t.Fatalf("%v in %q", err, got)
	}
	body, err := io.ReadAll(block.Body)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := decrypt(body, key); err != nil || plain != "a,b\n1,2\n" {
		t.Errorf("decrypted %q, %v", plain, err)
	}
	if !bytes.HasSuffix(bytes.TrimRight(got, "\n"), []byte("-----END PGP MESSAGE-----")) {
		t.Errorf("it ends with %q", got[max(0, len(got)-40):])
	}
}

// What becomes of public keys between their owner and the form.
func TestKeysArePasted(t *testing.T) {
	t.Parallel()
	key := newKey(t, "Edda", curve)
	text := exported(t, key)
	for name, pasted := range map[string]string{
		"as it is":              text,
		"CRLF":                  strings.ReplaceAll(text, "\n", "\r\n"),
		"line breaks to spaces": strings.ReplaceAll(text, "\n", " "),
		`\n`:                    strings.ReplaceAll(text, "\n", `\n`),
		"indented":              "  " + strings.ReplaceAll(text, "\n", "\n  "),
		"byte order mark":       "\ufeff" + text,
		"in quotes":             `"` + text + `"`,
		"text around it":        "pub   ed25519 2026-01-01 [SC]\n" + text + "\nKind regards\n",
		"no checksum":           strings.Replace(text, text[strings.LastIndex(text, "\n=")+1:strings.LastIndex(text, "\n-")+1], "", 1),
		"no headers":            strings.NewReplacer("Version: GnuPG v2.0.22 (GNU/Linux)\n", "", "Comment: a comment\n", "").Replace(text),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := encrypt(t, csv(t, map[string]string{"pgp_public_keys": pasted}, "a"))
			if plain, err := decrypt(got, key); err != nil || plain != "a" {
				t.Errorf("decrypted %q, %v", plain, err)
			}
		})
	}
	// Without any space the headers could not be told from the key.
	bare := strings.NewReplacer("Version: GnuPG v2.0.22 (GNU/Linux)\n", "", "Comment: a comment\n", "", "\n", "").Replace(text)
	if plain, err := decrypt(encrypt(t, csv(t, map[string]string{"pgp_public_keys": bare}, "a")), key); err != nil || plain != "a" {
		t.Errorf("line breaks lost: decrypted %q, %v", plain, err)
	}
}

func TestKeysAreRefused(t *testing.T) {
	t.Parallel()
	past := func() time.Time { return time.Now().Add(-48 * time.Hour) }
	good := newKey(t, "Edda", curve)
	expired := newKey(t, "Eva", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Curve: packet.Curve25519, Time: past, KeyLifetimeSecs: 3600})
	revoked := newKey(t, "Rita", curve, func(e *openpgp.Entity) {
		if err := e.Revoke(packet.KeyRetired, "", nil); err != nil {
			t.Fatal(err)
		}
	})
	signOnly := newKey(t, "Sina", curve, func(e *openpgp.Entity) { e.Subkeys = nil })
	subkeyRevoked := newKey(t, "Susi", curve, func(e *openpgp.Entity) {
		if err := e.Subkeys[0].Revoke(packet.KeyCompromised, "", nil); err != nil {
			t.Fatal(err)
		}
	})
	weak := newKey(t, "Wim", &packet.Config{Algorithm: packet.PubKeyAlgoRSA, RSABits: 1024, MinRSABits: 1024})
	const noKey = `"pgp_public_keys" must be PGP public keys, each from -----BEGIN PGP PUBLIC KEY BLOCK----- to -----END PGP PUBLIC KEY BLOCK-----.`
	const damaged = `"pgp_public_keys" contains a PGP public key that is damaged, or of a version that the hub does not support.`
	const private = `"pgp_public_keys" contains a private key, which must stay with its owner. Enter the public key, as gpg --armor --export prints it.`
	text := exported(t, good)
	key := func(e *openpgp.Entity, user string) string {
		return "The PGP key of " + user + " <" + strings.ToLower(user) + "@example.com> (0x" + e.PrimaryKey.KeyIdString() + ") "
	}
	for name, tt := range map[string]struct{ keys, want string }{
		"expired":             {exported(t, expired), key(expired, "Eva") + "has expired. Ask its owner for the renewed key."},
		"expired, beside one": {text + exported(t, expired), key(expired, "Eva") + "has expired. Ask its owner for the renewed key."},
		"revoked":             {exported(t, revoked), key(revoked, "Rita") + "is revoked. Ask its owner for the new key."},
		"revoked in a block":  {exported(t, good, revoked), key(revoked, "Rita") + "is revoked. Ask its owner for the new key."},
		"subkey revoked":      {exported(t, subkeyRevoked), key(subkeyRevoked, "Susi") + "is revoked. Ask its owner for the new key."},
		"for signatures":      {exported(t, signOnly), key(signOnly, "Sina") + "is for signatures only. Ask its owner for a key with a subkey for encryption."},
		"weak": {exported(t, weak), key(weak, "Wim") + "uses an algorithm that is no longer secure. Ask its owner for an RSA key of 2,048 bits or more, or an " +
			"elliptic-curve key."},
		"private":            {exportedPrivate(t, good), private},
		"private beside one": {text + exportedPrivate(t, good), private},
		"nonsense":           {"nonsense", noKey},
		"a key ID":           {"0x0123456789ABCDEF", noKey},
		"an address":         {"edda@example.com", noKey},
		"an SSH key":         {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE", noKey},
		"a message":          {"-----BEGIN PGP MESSAGE-----\n\nhQEM\n-----END PGP MESSAGE-----", noKey},
		"a key and message":  {text + "-----BEGIN PGP MESSAGE-----\n\nhQEM\n-----END PGP MESSAGE-----", noKey},
		"cut":                {text[:len(text)/2], `"pgp_public_keys" contains a PGP public key whose last line, -----END PGP PUBLIC KEY BLOCK-----, is missing.`},
		"second one cut":     {text + text[:len(text)/2], `"pgp_public_keys" contains a PGP public key whose last line, -----END PGP PUBLIC KEY BLOCK-----, is missing.`},
		"empty":              {"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----", damaged},
		"half":               {strings.Replace(text, text[200:260], "", 1), damaged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := datafile.Decode(csv(t, map[string]string{"pgp_public_keys": tt.keys}, "a"))
			if action.KindOf(err) != action.Invalid || action.MessageOf(err) != tt.want {
				t.Errorf("error %v (%v), want %q", err, action.KindOf(err), tt.want)
			}
		})
	}
}

func TestEncryptedName(t *testing.T) {
	t.Parallel()
	keys := exported(t, newKey(t, "Edda", curve))
	for name, tt := range map[string]struct {
		form       map[string]string
		name, want string
	}{
		"not encrypted":         {nil, "orders.csv.pgp", "orders.csv.pgp"},
		"binary":                {map[string]string{"pgp_public_keys": keys}, "orders.csv", "orders.csv.pgp"},
		"armored":               {map[string]string{"pgp_public_keys": keys, "pgp_format": "armored"}, "orders.csv", "orders.csv.asc"},
		"with the extension":    {map[string]string{"pgp_public_keys": keys}, "orders.csv.PGP", "orders.csv.pgp"},
		"with another of these": {map[string]string{"pgp_public_keys": keys}, "orders.csv.gpg", "orders.csv.pgp"},
		"only an extension":     {map[string]string{"pgp_public_keys": keys}, "a/.pgp", "a/.pgp.pgp"},
	} {
		o, err := datafile.Decode(csv(t, tt.form, "a"))
		if err != nil {
			t.Fatal(err)
		}
		got := o.PlainName(tt.name)
		if o.Encrypts() {
			got = o.EncryptedName(got)
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// Data that breaks off is never encrypted as if it were complete, and a reader that gives up leaves nothing running.
func TestEncryptionEnds(t *testing.T) {
	t.Parallel()
	key := newKey(t, "Edda", curve)
	for _, format := range []string{"binary", "armored"} {
		form := map[string]string{"pgp_public_keys": exported(t, key), "pgp_format": format}
		req := actiontest.Download(t, actiontest.Query(nil, form), actiontest.BrokenDownload(strings.Repeat("x", 100_000)))
		o, err := datafile.Decode(req)
		if err != nil {
			t.Fatal(err)
		}
		src, err := o.Encrypt(req.Data).Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(src); action.KindOf(err) != action.Unavailable {
			t.Errorf("%s: error %v", format, err)
		}
		_ = src.Close()
	}
	req := csv(t, map[string]string{"pgp_public_keys": exported(t, key)}, "a")
	o, err := datafile.Decode(req)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) { // it fails if a goroutine stays
		src, err := o.Encrypt(zeros{}).Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, src, 1000); err != nil {
			t.Error(err)
		}
		_ = src.Close()
		if _, err := src.Read(make([]byte, 1)); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("error %v", err)
		}
	})
}

// zeros is data without an end.
type zeros struct{ action.Data }

func (zeros) Open(context.Context) (io.ReadCloser, error) { return io.NopCloser(zeroReader{}), nil }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// Memory stays flat, whatever the size. Not parallel: other tests' memory would count.
func TestMemory(t *testing.T) {
	actiontest.Serial(t)
	const size = 96 << 20
	form := map[string]string{"pgp_public_keys": exported(t, newKey(t, "Edda", curve)), "byte_order_mark": "yes"}
	for _, format := range []string{"binary", "armored"} {
		form["pgp_format"] = format
		peak, block := uint64(0), make([]byte, 1<<20)
		req := actiontest.Download(t, actiontest.Query(nil, form), func(w http.ResponseWriter, _ *http.Request) {
			for n := range size / len(block) {
				_, _ = w.Write(block)
				if n%16 == 0 {
					peak = max(peak, actiontest.LiveHeap())
				}
			}
		})
		o, err := datafile.Decode(req)
		if err != nil {
			t.Fatal(err)
		}
		src, err := o.Encrypt(o.Data(req)).Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, src)
		if err != nil || n < size {
			t.Errorf("%s: %d bytes, %v", format, n, err)
		}
		if peak > 24<<20 {
			t.Errorf("%s: %d MiB were in use, with the server's", format, peak>>20)
		}
		t.Logf("%s: %d KiB were in use at most", format, peak>>10)
	}
}

// The fields, which every destination has after its own ones.
func TestFields(t *testing.T) {
	t.Parallel()
	var names []string
	for _, f := range append(datafile.Fields(), datafile.EncryptionFields()...) {
		names = append(names, f.Name)
		if f.Required {
			t.Errorf("%s is required", f.Name)
		}
	}
	if diff := cmp.Diff([]string{"time_zone", "byte_order_mark", "pgp_public_keys", "pgp_format"}, names); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}
