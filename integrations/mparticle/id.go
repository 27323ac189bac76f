package mparticle

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"

	"integrationhub.dev/hub/action"
)

// deliveryID is the same if Looker repeats a delivery: it has the webhook ID and the time of the query. If
// either is unknown, each delivery is a new one: duplicates are better than lost rows.
func deliveryID(table *action.Table, req *action.Request) string {
	if req.WebhookID == "" || table.RanAt.IsZero() {
		return rand.Text()
	}
	return req.InstanceID + "\x00" + req.WebhookID + "\x00" + table.RanAt.UTC().Format(time.RFC3339Nano)
}

// id returns a row's source_request_id. mParticle drops what has one that it received under the same API
// key in the last 30 to 60 days (https://docs.mparticle.com/developers/apis/json-reference/). It must
// therefore be the same for each call that has the row, and differ from that of every other row: equal
// rows of one delivery may be two events, and a later delivery may set a user's attributes back to what
// they were. The number distinguishes the former, the delivery the latter.
func (m *mapping) id(number uint64, batch []byte) string {
	h := sha256.New()
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, number))
	_, _ = h.Write([]byte(m.delivery))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write(batch)
	return "looker-" + hex.EncodeToString(h.Sum(nil)[:16])
}

// withID adds the ID to a batch, which has members.
func withID(id string, batch []byte) []byte {
	return slices.Concat([]byte(`{"source_request_id":"`+id+`",`), batch[len("{"):])
}
