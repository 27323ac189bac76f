package conversion

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// derivedPrefix marks the transaction IDs that the hub made.
const derivedPrefix = "hub-"

// derivedID makes the transaction ID of a conversion without one. Google counts a transaction ID once for
// each conversion action, so that calls can be repeated and a schedule can send a row again:
// https://support.google.com/google-ads/answer/6386790
//
// It stands for the click, or else for the person, and the time: by Google's own rule, conversions with the same
// click and time are duplicates unless their transaction IDs differ. The value is left out, since a
// corrected value is not a second conversion.
func derivedID(c conversion) string {
	var parts []string
	for _, click := range []string{"gclid:" + c.gclid, "gbraid:" + c.gbraid, "wbraid:" + c.wbraid} {
		if !strings.HasSuffix(click, ":") {
			parts = []string{click}
			break
		}
	}
	if len(parts) == 0 {
		for _, p := range c.people {
			parts = append(parts, p.key())
		}
		slices.Sort(parts) // the order of columns must not matter
	}
	parts = append(parts, c.time.UTC().Format(time.RFC3339Nano))
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return derivedPrefix + hex.EncodeToString(sum[:20])
}
