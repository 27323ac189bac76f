package webhook

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

// signingKeys are the secrets that a delivery is signed with: one, or several while they are
// rotated.
type signingKeys [][]byte

// The length of a secret in bytes, by the scheme's specification.
const shortest, longest = 24, 64

// UnmarshalText implements [encoding.TextUnmarshaler]. Nothing of a secret is in an error.
func (k *signingKeys) UnmarshalText(text []byte) error {
	for secret := range strings.FieldsSeq(string(text)) {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil {
			return errors.New("must be whsec_ and base64")
		}
		if len(key) < shortest || len(key) > longest {
			return fmt.Errorf("must hold %d to %d bytes", shortest, longest)
		}
		*k = append(*k, key)
	}
	return nil
}

// String keeps the secrets out of whatever prints the settings.
func (signingKeys) String() string { return action.Secret("").String() }

// sign is the header webhook-signature for a payload, by the scheme
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md:
// v1 signatures, HMAC-SHA256 of id, time and payload with dots between them, one for each key.
func (k signingKeys) sign(id string, at time.Time, payload io.Reader) (string, error) {
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
