package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/emersion/go-smtp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// refusedRecipient explains that the server rejected a recipient, so that no recipient received the mail. Only the
// field's message names the recipient, because it is not logged.
func (s session) refusedRecipient(ctx context.Context, to string, err error) error {
	explained := s.explain(ctx, namingRecipient, err)
	if _, ok := errors.AsType[*smtp.SMTPError](err); !ok {
		return explained
	}
	e := action.Wrap(explained, action.KindOf(explained), "%s No recipient received it.", action.MessageOf(explained))
	e.Fields = map[string]string{"to": to + ": " + e.Message}
	return e
}

// unconfirmed adds to an error after a complete mail that the server may have accepted it, unless the
// server rejected it.
func (s session) unconfirmed(explained, err error) error {
	if _, ok := errors.AsType[*smtp.SMTPError](err); ok {
		return explained
	}
	return action.Wrap(errors.Join(errInDoubt, explained), action.KindOf(explained),
		"%s The mail may already have been sent. Check before retrying.", action.MessageOf(explained))
}

// explain converts an error. Only the codes of the server's reply are shown, because its text can quote
// addresses.
func (s session) explain(ctx context.Context, doing step, err error) error {
	reply, ok := errors.AsType[*smtp.SMTPError](err)
	if !ok || ctx.Err() != nil {
		return s.connectionError(ctx, doing, err)
	}
	code := codeOf(reply)
	detail := fmt.Errorf("%s: returned %s", doing, code)
	if r, ok := s.reasonOf(doing, reply); ok {
		return action.Wrap(detail, r.kind, "%s (%s).", r.message, code)
	}
	if reply.Temporary() {
		what := map[step]string{greeting: "the hub's connection", encrypting: "encryption by STARTTLS", signingIn: "the hub's sign-in"}[doing]
		return action.Wrap(detail, action.Unavailable, "%s temporarily rejected %s (%s).", s.Host, cmp.Or(what, "the mail"), code)
	}
	switch doing {
	case greeting:
		return action.Wrap(detail, action.Forbidden, "%s rejected the hub's connection (%s).", s.Host, code)
	case encrypting:
		return action.Wrap(detail, action.Invalid, "%s rejected encryption by STARTTLS (%s).", s.Host, code)
	case signingIn:
		if s.Token != nil {
			return action.Wrap(detail, action.Unauthenticated, "%s rejected the hub's access token (%s). The hub's app must be allowed to use "+
				"its mailbox.", s.Host, code)
		}
		return action.Wrap(detail, action.Unauthenticated, "%s rejected the hub's user name and password (%s).", s.Host, code)
	case namingSender:
		return action.Wrap(detail, action.Forbidden, "%s rejected the hub's sender (%s).", s.Host, code)
	case namingRecipient:
		return action.Wrap(detail, action.Invalid, "%s rejected one of the recipients (%s).", s.Host, code)
	default:
		return action.Wrap(detail, action.Invalid, "%s rejected the mail (%s).", s.Host, code)
	}
}

// reasonOf returns the rule for a reply. ok is false if there is none.
func (s session) reasonOf(doing step, r *smtp.SMTPError) (m meaning, ok bool) {
	code, text := enhanced(r), strings.ToLower(r.Message)
	for _, m := range meanings {
		if (m.doing == anyStep || m.doing == doing) && (m.code == 0 || m.code == r.Code) &&
			(m.enhanced == "" || m.enhanced == code) && strings.Contains(text, m.text) {
			m.message = strings.ReplaceAll(m.message, host, s.Host)
			return m, true
		}
	}
	return meaning{}, false
}

// codeOf returns a reply's code and its enhanced code, if it has one (RFC 3463).
func codeOf(r *smtp.SMTPError) string {
	if e := enhanced(r); e != "" {
		return strconv.Itoa(r.Code) + " " + e
	}
	return strconv.Itoa(r.Code)
}

func enhanced(r *smtp.SMTPError) string {
	if r.EnhancedCode[0] < 2 {
		return ""
	}
	return fmt.Sprintf("%d.%d.%d", r.EnhancedCode[0], r.EnhancedCode[1], r.EnhancedCode[2])
}

// connectionError explains why the session ended.
func (s session) connectionError(ctx context.Context, doing step, err error) error {
	wrapped := fmt.Errorf("%s: %w", doing, err)
	switch {
	case errors.Is(err, errNoStartTLS):
		return action.Wrap(wrapped, action.Invalid, "%s does not offer encryption (STARTTLS) on port %d. Nothing was sent.", s.Host, s.Port)
	case errors.Is(err, errInjected):
		return action.Wrap(wrapped, action.Forbidden, "The connection to %s is not safe: its reply to STARTTLS was tampered with.", s.Host)
	case repliesTooLarge(err):
		return action.Wrap(wrapped, action.Unavailable, "Unexpected response from %s: it is too large.", s.Host)
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return s.certificateError(wrapped, e)
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return action.Wrap(wrapped, action.Invalid, "%s does not use TLS from the start on port %d. It may require STARTTLS.", s.Host, s.Port)
	}
	// Alerts and the errors of crypto/tls have no type, only this prefix.
	if doing == encrypting && ctx.Err() == nil && strings.Contains(err.Error(), "tls: ") {
		return action.Wrap(wrapped, action.Invalid, "%s and the hub could not agree on encryption. The hub requires TLS 1.2 or later.", s.Host)
	}
	return fmt.Errorf("%s: %w", doing, outbound.ConnectionError(ctx, err, s.Host))
}

// certificateError explains what is wrong with the server's certificate.
func (s session) certificateError(err error, e *tls.CertificateVerificationError) error {
	if _, ok := errors.AsType[x509.HostnameError](e.Err); ok {
		return action.Wrap(err, action.Forbidden, "The certificate of %s is for another host name.", s.Host)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](e.Err); ok && invalid.Reason == x509.Expired {
		return action.Wrap(err, action.Forbidden, "The certificate of %s has expired or is not valid yet.", s.Host)
	}
	return action.Wrap(err, action.Forbidden, "The hub does not trust the certificate of %s.", s.Host)
}
