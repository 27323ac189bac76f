// Package datafile holds what all destinations of files share: form fields that say how a file is encoded and
// named, and the conversions of its data, all of which stream.
package datafile

import (
	"slices"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
)

// Options are the values of [Fields] and [EncryptionFields].
type Options struct {
	// Zone is used for placeholders in names. [action.Request.CompleteFilename] also reads it.
	Zone      action.TimeZone `form:"time_zone"`
	BOM       bool            `form:"byte_order_mark"`
	Keys      recipients      `form:"pgp_public_keys"`
	PGPFormat pgpFormat       `form:"pgp_format"`
}

// Fields are form fields for all destinations of files. They come after a destination's own ones.
func Fields() []action.Field {
	return []action.Field{
		action.TimeZoneField(),
		{
			Name: "byte_order_mark", Label: "CSV for Excel", Type: action.Select, Default: "no",
			Description: "A byte order mark at the start of CSV files, without which Excel reads accented letters wrongly.",
			Options:     []action.Option{{Name: "no", Label: "No"}, {Name: "yes", Label: "Yes: with a byte order mark"}},
		},
	}
}

// Decode reads the options. Keys that a file cannot be encrypted to are an error.
func Decode(req *action.Request) (Options, error) {
	o, err := action.Decode[Options](req)
	if err != nil {
		return o, err
	}
	return o, o.Keys.check(time.Now())
}

// Prepare reads the options of a destination that has no [EncryptionFields], and converts the request's data.
func Prepare(req *action.Request) (action.TimeZone, error) {
	o, err := action.Decode[struct {
		Zone action.TimeZone `form:"time_zone"`
		BOM  bool            `form:"byte_order_mark"`
	}](req)
	if err != nil {
		return o.Zone, err
	}
	req.Data = Options{BOM: o.BOM}.Data(req)
	return o.Zone, nil
}

// Data returns the request's data as the user wants it, before it is compressed or encrypted.
func (o Options) Data(req *action.Request) action.Data {
	if o.BOM && isCSV(req) {
		return withBOM{req.Data}
	}
	return req.Data
}

// Encrypts reports whether the file is to be encrypted.
func (o Options) Encrypts() bool { return len(o.Keys.keys) > 0 }

// EncryptedType is the media type of an encrypted file. RFC 3156 has one only for a part of an e-mail.
const EncryptedType = "application/octet-stream"

// Encrypt returns data that is encrypted while it is read. Compression comes before.
func (o Options) Encrypt(data action.Data) action.Data {
	return encrypted{data, o.Keys, o.PGPFormat}
}

// EncryptedName returns the name of the encrypted file.
func (o Options) EncryptedName(name string) string {
	if o.PGPFormat == armored {
		return name + ".asc"
	}
	return name + ".pgp"
}

// PlainName returns a name without the extension of an encrypted file, which users may have entered.
func (o Options) PlainName(name string) string {
	if !o.Encrypts() {
		return name
	}
	dot := strings.LastIndexByte(name, '.')
	if dot > 0 && name[dot-1] != '/' && slices.Contains([]string{".pgp", ".gpg", ".asc"}, strings.ToLower(name[dot:])) {
		return name[:dot]
	}
	return name
}
