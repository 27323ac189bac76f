package policy

import "encoding/json"

// podSecurityContext allows the user and the groups that some platforms require, except root. All other
// fields loosen what the operator sets, and null removes it.
func (c *check) podSecurityContext(at string, value json.RawMessage) {
	id := func(at string, value json.RawMessage) {
		if decode[int64](value) <= 0 {
			c.refuse(at, "is not the ID of a user or group other than root", anyPodTemplate)
		}
	}
	c.fields(at, decode[map[string]json.RawMessage](value), map[string]func(string, json.RawMessage){
		"runAsUser": id, "runAsGroup": id, "fsGroup": id, "fsGroupChangePolicy": nil,
	})
}
