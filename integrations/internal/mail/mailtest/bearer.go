package mailtest

import (
	"strings"

	"github.com/emersion/go-smtp"
)

func (s *Server) say(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, text)
}

// bearer signs a client in with an access token, as XOAUTH2
// (https://developers.google.com/workspace/gmail/imap/xoauth2-protocol) and OAUTHBEARER (RFC 7628) do. It answers
// a wrong token by a challenge with the reason. The client must respond to it before it gets the final reply: by
// an empty line for XOAUTH2, by ^A for OAUTHBEARER.
type bearer struct {
	*session
	mechanism string
	refused   error
}

// Next implements [sasl.Server].
func (b *bearer) Next(response []byte) (challenge []byte, done bool, err error) {
	b.server.say(strings.ReplaceAll(string(response), "\x01", "^A"))
	want, end := "user="+Username+"\x01auth=Bearer "+Token+"\x01\x01", ""
	if b.mechanism != "XOAUTH2" {
		want, end = "n,a="+Username+",\x01host=example.com\x01port=587\x01auth=Bearer "+Token+"\x01\x01", "\x01"
	}
	if b.refused != nil {
		if string(response) != end {
			return nil, false, &smtp.SMTPError{Code: 501, EnhancedCode: smtp.EnhancedCode{5, 5, 2}, Message: "Cannot decode response"}
		}
		return nil, false, b.refused
	}
	if response == nil { // the client waits for the server's turn
		return []byte{}, false, nil
	}
	if err := b.step("auth"); err != nil {
		return nil, false, err
	}
	if string(response) != want {
		b.refused = &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 3}, Message: "Authentication unsuccessful"}
		return []byte(`{"status":"401","schemes":"Bearer","scope":"https://outlook.office.com/"}`), false, nil
	}
	b.mail.User = Username
	return nil, true, nil
}
