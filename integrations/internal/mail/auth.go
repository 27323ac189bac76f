package mail

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// xoauth2 is Google's and Microsoft's mechanism for access tokens:
// https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
const xoauth2 = "XOAUTH2"

// signIn signs in by the first mechanism that both sides know.
func (s session) signIn(ctx context.Context, c *smtp.Client) error {
	offered := mechanisms(c)
	if len(offered) == 0 {
		return action.Errorf(action.Invalid, "%s does not offer signing in on port %d, but the hub has a user name for it.", s.Host, s.Port)
	}
	client, err := s.authenticate(ctx, offered)
	if err != nil {
		return err
	}
	if err := c.Auth(client); err != nil {
		return s.explain(ctx, signingIn, err)
	}
	return nil
}

func (s session) authenticate(ctx context.Context, offered []string) (sasl.Client, error) {
	if s.Token != nil {
		return s.bearer(ctx, offered)
	}
	switch {
	case slices.Contains(offered, sasl.Plain):
		return sasl.NewPlainClient("", s.Username, s.Password.Reveal()), nil
	case slices.Contains(offered, sasl.Login):
		return sasl.NewLoginClient(s.Username, s.Password.Reveal()), nil
	case slices.Contains(offered, xoauth2), slices.Contains(offered, sasl.OAuthBearer):
		return nil, action.Errorf(action.Unauthenticated, "%s does not accept a user name and a password. It requires OAuth 2.0 (%s).",
			s.Host, names(offered))
	default:
		return nil, action.Errorf(action.Unauthenticated, "%s does not support a password authentication method that the hub supports. It supports: %s.",
			s.Host, names(offered))
	}
}

// bearer signs in with an access token. The token is fetched last, because it is not needed if the server does
// not accept one.
func (s session) bearer(ctx context.Context, offered []string) (sasl.Client, error) {
	b := &bearer{mechanism: xoauth2}
	if !slices.Contains(offered, xoauth2) {
		if !slices.Contains(offered, sasl.OAuthBearer) {
			return nil, action.Errorf(action.Unauthenticated, "%s does not accept OAuth 2.0. It offers: %s.", s.Host, names(offered))
		}
		b.mechanism = sasl.OAuthBearer
	}
	token, err := s.Token(ctx)
	if err != nil {
		return nil, err
	}
	outbound.SecretsOf(ctx).Add(token.Reveal())
	if b.mechanism == xoauth2 {
		b.first = []byte("user=" + s.Username + "\x01auth=Bearer " + token.Reveal() + "\x01\x01")
		return b, nil
	}
	standard := sasl.NewOAuthBearerClient(&sasl.OAuthBearerOptions{Username: s.Username, Token: token.Reveal(), Host: s.Host, Port: s.Port})
	_, b.first, err = standard.Start()
	b.end = []byte("\x01")
	return b, err
}

// bearer is a client for access tokens. A server that refuses the token sends a challenge with the reason, and its
// reply only after the client's response to that: https://developers.google.com/workspace/gmail/imap/xoauth2-protocol,
// and RFC 7628, section 3.2.3. go-sasl's client cancels instead, and so loses the reply.
type bearer struct {
	mechanism  string
	first, end []byte
	challenged bool
}

var errChallenge = errors.New("the server sent a second challenge")

// Start implements [sasl.Client].
func (b *bearer) Start() (string, []byte, error) { return b.mechanism, b.first, nil }

// Next implements [sasl.Client].
func (b *bearer) Next([]byte) ([]byte, error) {
	if b.challenged {
		return nil, errChallenge
	}
	b.challenged = true
	return append([]byte{}, b.end...), nil // not nil: that would be no response
}

// names is a list of what a server offers, for messages.
func names(offered []string) string { return action.Line(strings.Join(offered, ", ")) }
