package datafile

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/panics"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/pastedkey"
)

// recipients are the public keys that a file is encrypted to.
type recipients struct {
	keys []*openpgp.Entity
	// at is when the keys were checked, so that none expires between the check and the encryption.
	at time.Time
}

// config is the library's configuration. Without one for AEAD, keys that ask for it would not work.
func (r *recipients) config() *packet.Config {
	return &packet.Config{AEADConfig: &packet.AEADConfig{}, Time: func() time.Time { return r.at }}
}

// pgpFormat is how an encrypted file is written.
type pgpFormat string

// The values of the form field. An empty one means binary.
const (
	binary  pgpFormat = "binary"
	armored pgpFormat = "armored"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (f *pgpFormat) UnmarshalText(text []byte) error {
	return choice.Parse(f, string(text), binary, armored)
}

// EncryptionFields are form fields for destinations to which files are streamed. They come after those of
// [Fields].
func EncryptionFields() []action.Field {
	return []action.Field{
		{
			Name: "pgp_public_keys", Label: "PGP Public Keys", Type: action.Textarea,
			Description: "Encrypts the file. One or more public keys, each from -----BEGIN PGP PUBLIC KEY BLOCK----- to its last line. " +
				"Everyone who has one of the private keys can read the file.",
		},
		{
			Name: "pgp_format", Label: "PGP Format", Type: action.Select, Default: string(binary),
			Options: []action.Option{
				{Name: string(binary), Label: "Binary (adds .pgp to the name)"},
				{Name: string(armored), Label: "Text (adds .asc to the name)"},
			},
		},
	}
}

var (
	errNoKey = errors.New("must be PGP public keys, each from -----BEGIN PGP PUBLIC KEY BLOCK----- to -----END PGP PUBLIC KEY BLOCK-----")
	errCut   = errors.New("contains a PGP public key whose last line, -----END PGP PUBLIC KEY BLOCK-----, is missing")
	errSpoil = errors.New("contains a PGP public key that is damaged, or of a version that the hub does not support")
	errOwn   = errors.New("contains a private key, which must stay with its owner. Enter the public key, as gpg --armor --export prints it")
)

var (
	pgpBlock = regexp.MustCompile(`(?s)-----BEGIN PGP PUBLIC KEY BLOCK-----(.*?)-----END PGP PUBLIC KEY BLOCK-----`)
	pgpBegin = regexp.MustCompile(`-----BEGIN PGP [A-Z ]+-----`)
)

// UnmarshalText implements [encoding.TextUnmarshaler]. Line breaks may be lost. A key that cannot be read is an error, and
// not left out: its owner could not read the file.
func (r *recipients) UnmarshalText(text []byte) error {
	clean := pastedkey.Unescape(string(text))
	blocks := pgpBlock.FindAllStringSubmatch(clean, -1)
	begins := pgpBegin.FindAllString(clean, -1)
	switch {
	case strings.Contains(clean, "PRIVATE KEY"):
		return errOwn
	case len(begins) == 0:
		return errNoKey
	case len(blocks) != len(begins) && strings.Contains(begins[len(begins)-1], "PUBLIC KEY"):
		return errCut
	case len(blocks) != len(begins):
		return errNoKey
	}
	for _, b := range blocks {
		der, ok := decodeArmor(b[1])
		if !ok {
			return errSpoil
		}
		if err := r.read(der); err != nil {
			return err
		}
	}
	return nil
}

// read reads all keys of a block. The library's own function leaves out those that it cannot read.
func (r *recipients) read(block []byte) error {
	packets := packet.NewReader(bytes.NewReader(block))
	for n := 0; ; n++ {
		key, err := openpgp.ReadEntity(packets)
		switch {
		case errors.Is(err, io.EOF) && n > 0:
			return nil
		case err != nil:
			return errSpoil
		case key.PrivateKey != nil:
			return errOwn
		}
		r.keys = append(r.keys, key)
	}
}

// firstLine is the shortest first line of a key in base64. Words of the headers before it are shorter.
const firstLine = 40

var checksum = regexp.MustCompile(`=[A-Za-z0-9+/]{4}$`)

// decodeArmor decodes the inside of a block (RFC 9580, section 6.2), whose line breaks may be lost. The checksum is
// optional and not needed.
func decodeArmor(body string) ([]byte, bool) {
	words := strings.FieldsFunc(body, pastedkey.IsSpace)
	for n, word := range words {
		if len(word) >= firstLine && strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") == "" {
			text := checksum.ReplaceAllString(strings.Join(words[n:], ""), "")
			der, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
			return der, err == nil
		}
	}
	return nil, false
}

// check checks that the file can be encrypted to all keys.
func (r *recipients) check(now time.Time) error {
	r.at = now
	for _, key := range r.keys {
		if _, err := key.EncryptionKeyWithError(now, r.config()); err != nil {
			return action.Wrap(err, action.Invalid, "The PGP key %s %s.", nameOf(key, now), reason(err)).WithField("pgp_public_keys")
		}
	}
	return nil
}

// maxUserID limits the length of a user ID in messages.
const maxUserID = 100

// nameOf returns what a key's owner calls it, and its ID.
func nameOf(key *openpgp.Entity, now time.Time) string {
	id := "0x" + key.PrimaryKey.KeyIdString()
	_, identity := key.PrimaryIdentity(now, nil)
	if identity == nil {
		for _, other := range key.Identities {
			if identity == nil || other.Name < identity.Name {
				identity = other
			}
		}
	}
	if identity == nil {
		return id
	}
	user := []rune(action.Line(identity.Name))
	return "of " + string(user[:min(len(user), maxUserID)]) + " (" + id + ")"
}

// reason says why a key cannot be used.
func reason(err error) string {
	var e pgperrors.ErrEncryptionKeySelection
	if p, ok := errors.AsType[*pgperrors.ErrEncryptionKeySelection](err); ok {
		e = *p
	} else {
		errors.As(err, &e)
	}
	cause := e.PrimaryKeyErr
	if cause == nil {
		cause = e.EncSelectionErr
	}
	switch {
	case errors.Is(cause, pgperrors.ErrKeyExpired), errors.Is(cause, pgperrors.ErrSignatureExpired):
		return "has expired. Ask its owner for the renewed key"
	case errors.Is(cause, pgperrors.ErrKeyRevoked):
		return "is revoked. Ask its owner for the new key"
	}
	if _, weak := errors.AsType[pgperrors.WeakAlgorithmError](cause); weak {
		return "uses an algorithm that is no longer secure. Ask its owner for an RSA key of 2,048 bits or more, or an elliptic-curve key"
	}
	if e.PrimaryKeyErr != nil {
		return "has no valid signature of its owner. Export it again"
	}
	return "is for signatures only. Ask its owner for a key with a subkey for encryption"
}

// encrypted is data that is encrypted while it is read.
type encrypted struct {
	action.Data
	to     recipients
	format pgpFormat
}

// Open implements [action.Data]. If the source fails, the reader gets its error, so that incomplete data
// never looks complete.
func (e encrypted) Open(ctx context.Context) (io.ReadCloser, error) {
	src, err := e.Data.Open(ctx)
	if err != nil {
		return nil, err
	}
	out, in := io.Pipe()
	panics.Go(func() error { return e.encrypt(in, src) }, func(err error) { _ = in.CloseWithError(err) }) // nil means end of file
	return &encrypting{out, src}, nil
}

// Spool implements [action.Data]. Each reader encrypts with another key, so what is read twice must be stored.
func (e encrypted) Spool(ctx context.Context, maxBytes int64) (action.Blob, error) {
	src, err := e.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	return e.Store(src, maxBytes)
}

// encrypt closes the writers only after all data, since the closing marks the file as complete.
func (e encrypted) encrypt(to io.Writer, src io.Reader) error {
	outer := noClose(to)
	if e.format == armored {
		a, err := armor.EncodeWithChecksumOption(to, "PGP MESSAGE", nil, false) // RFC 9580, section 6.1
		if err != nil {
			return err
		}
		outer = a
	}
	plain, err := openpgp.Encrypt(outer, e.to.keys, nil, nil, nil, e.to.config())
	if err != nil {
		return action.Wrap(err, action.Internal, "The file was not encrypted.")
	}
	if _, err := io.Copy(plain, src); err != nil {
		return err
	}
	if err := plain.Close(); err != nil {
		return err
	}
	return outer.Close()
}

type noCloser struct{ io.Writer }

func (noCloser) Close() error { return nil }

func noClose(w io.Writer) io.WriteCloser { return noCloser{w} }

type encrypting struct {
	*io.PipeReader
	src io.Closer
}

// Close also stops the encryption.
func (e *encrypting) Close() error {
	_ = e.PipeReader.Close()
	return e.src.Close()
}
