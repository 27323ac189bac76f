package facebookcustomaudiences_test

import (
	"encoding/json"
	"strings"

	"integrationhub.dev/hub/action/actiontest"
)

const (
	version  = "/v27.0/"
	token    = "long-token"
	kept     = `{"tokens":{"longLivedToken":"long-token"},"redirect":"https://hub/r"}`
	users    = version + "77/users"
	replaced = version + "77/usersreplace"
)

// body is the body of an upload.
type body struct {
	Session *session `json:"session"`
	Payload struct {
		Schema []string   `json:"schema"`
		Data   [][]string `json:"data"`
	} `json:"payload"`
}

func parse(r actiontest.Recorded) (b body, err error) {
	return b, json.Unmarshal(r.Body, &b)
}

// received returns Meta's response to an upload.
func received(n, invalid int) actiontest.Reply {
	text, err := json.Marshal(map[string]any{
		"audience_id": "77", "session_id": "1", "num_received": n, "num_invalid_entries": invalid,
		"invalid_entry_samples": map[string]string{"s3cret@example.com": "bad"},
	})
	if err != nil {
		panic(err)
	}
	return actiontest.Reply{Body: string(text)}
}

// takesAll accepts everything.
func takesAll(r actiontest.Recorded) actiontest.Reply {
	switch {
	case r.Header.Get("Authorization") != "Bearer "+token || len(r.Query.Get("appsecret_proof")) != 64:
		return failure(190, 463)
	case strings.HasSuffix(r.Path, "/users"), strings.HasSuffix(r.Path, "/usersreplace"):
		b, err := parse(r)
		if err != nil {
			return failure(100, 0)
		}
		return received(len(b.Payload.Data), 0)
	case strings.HasSuffix(r.Path, "/customaudiences"):
		return actiontest.Reply{Body: `{"id":"77"}`}
	}
	return actiontest.Reply{Body: `{"success":true}`}
}

// failure returns an error response with texts that must not be shown.
func failure(code, subcode int) actiontest.Reply {
	text, err := json.Marshal(map[string]any{"error": map[string]any{
		"message": "long-token s3cret@example.com", "type": "OAuthException", "code": code, "error_subcode": subcode, "fbtrace_id": "x",
	}})
	if err != nil {
		panic(err)
	}
	return actiontest.Reply{Status: 400, Body: string(text)}
}

// session is the session of a replacement.
type session struct {
	ID    int64 `json:"session_id"`
	Batch int   `json:"batch_seq"`
	Last  bool  `json:"last_batch_flag"`
	Total int   `json:"estimated_num_total"`
}
