// Package standardwebhooks signs requests by the Standard Webhooks scheme:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
package standardwebhooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
)

// Keys are the secrets that a request is signed with: one, or several while they are rotated.
type Keys [][]byte

// The length of a secret in bytes.
const minKey, maxKey = 24, 64

// Parse reads secrets that are separated by blanks. Errors do not contain any part of a secret.
func Parse(text string) (Keys, error) {
	var keys Keys
	for secret := range strings.FieldsSeq(text) {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil {
			return nil, errors.New("must be whsec_ and base64")
		}
		if len(key) < minKey || len(key) > maxKey {
			return nil, fmt.Errorf("must hold %d to %d bytes", minKey, maxKey)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// String hides the secrets if the settings are printed.
func (Keys) String() string { return action.Secret("").String() }

// Sign returns the header Webhook-Signature: for each key a v1 signature, which is the HMAC-SHA256 of the
// ID, the time and the payload, separated by dots.
func (k Keys) Sign(id string, at time.Time, payload io.Reader) (string, error) {
	macs, all := make([]hash.Hash, len(k)), make([]io.Writer, len(k))
	for n, key := range k {
		macs[n] = hmac.New(sha256.New, key)
		all[n] = macs[n]
	}
	payload = io.MultiReader(strings.NewReader(fmt.Sprintf("%s.%d.", id, at.Unix())), payload)
	if _, err := io.Copy(io.MultiWriter(all...), payload); err != nil {
		return "", fmt.Errorf("signing the data: %w", err)
	}
	sums := make([]string, len(k))
	for n, mac := range macs {
		sums[n] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(sums, " "), nil
}
