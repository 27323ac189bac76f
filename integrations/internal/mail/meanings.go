package mail

import "integrationhub.dev/hub/action"

// meaning is a rule: what a reply means in a step, if its code, its enhanced code and its text are these.
type meaning struct {
	// doing, code, enhanced and text are what the rule is for. Without one of them, it is for any. The text is in
	// lower case, and a part of the reply's.
	doing          step
	code           int
	enhanced, text string
	kind           action.Kind
	message        string
}

const (
	anyStep step = ""
	// host stands for the server's name in a message.
	host = "HOST"

	needsOAuth = " The hub must sign in by OAuth 2.0"
	// smtpAuth is the setting that allows SMTP AUTH for a mailbox, as Microsoft 365's admin center calls it.
	smtpAuth = " A Microsoft 365 administrator must allow Authenticated SMTP for the hub's mailbox"

	noSMTPAuth      = host + " does not allow the hub to sign in: authenticated SMTP is turned off"
	noSendAs        = host + " does not allow the hub's account to send as its sender. It needs the permission Send As"
	needsEncryption = host + " requires encryption to sign in"
	needsSignIn     = host + " requires signing in"
	noSignIn        = host + " does not offer signing in on this port"
	noRelay         = host + " does not relay mail for the hub. It requires signing in, or must allow the hub's IP address"
	tooMany         = host + " does not accept this many recipients for one mail"
	mailboxFull     = "The mailbox of one of the recipients is full, according to " + host
	usedUp          = "The hub has used up the number of mails that " + host + " accepts from it in a day"
	tooLarge        = "The mail is too large for " + host
	badDKIM         = host + " rejected the mail: its DKIM signature is missing or not valid"
	badSPF          = host + " rejected the mail: the SPF record of the sender's domain does not allow the mail server"
	byPolicy        = "A policy of " + host + " does not allow the mail"
)

// meanings are from these sources:
//   - STARTTLS: RFC 3207. AUTH: RFC 4954. Enhanced codes: RFC 3463, RFC 5248, and of authenticated domains RFC 7372.
//   - https://learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online
//   - https://techcommunity.microsoft.com/blog/exchange/exchange-online-to-retire-basic-auth-for-client-submission-smtp-auth/4114750
//   - https://learn.microsoft.com/exchange/clients-and-mobile-in-exchange-online/authenticated-client-smtp-submission
//   - https://support.google.com/a/answer/3726730
//
// They apply in this order.
var meanings = []meaning{
	// Microsoft 365 has one code, 5.7.139, for several reasons.
	{anyStep, 0, "5.7.30", "", action.Unauthenticated, host + " no longer accepts a user name and a password." + needsOAuth},
	{signingIn, 0, "5.7.139", "disabled for the tenant", action.Unauthenticated, noSMTPAuth + " for the organization." + smtpAuth},
	{signingIn, 0, "5.7.139", "disabled for the mailbox", action.Unauthenticated, noSMTPAuth + " for its mailbox." + smtpAuth},
	{signingIn, 0, "5.7.139", "smtpclientauthentication is disabled", action.Unauthenticated, noSMTPAuth + "." + smtpAuth},
	{
		signingIn, 0, "5.7.139", "security defaults", action.Unauthenticated,
		host + " does not accept a user name and a password: the organization's security defaults block them." + needsOAuth,
	},
	{
		signingIn, 0, "5.7.139", "basic authentication is disabled", action.Unauthenticated,
		host + " does not accept a user name and a password: basic authentication is turned off." + needsOAuth,
	},
	{
		signingIn, 0, "5.7.139", "did not meet the criteria", action.Unauthenticated,
		host + " does not allow the hub to sign in: a policy of the organization, such as Conditional Access, blocks it",
	},
	{anyStep, 0, "5.7.60", "", action.Forbidden, noSendAs},
	{anyStep, 0, "5.2.252", "", action.Forbidden, noSendAs},

	// Encryption and ways to sign in.
	{anyStep, 530, "", "starttls", action.Invalid, host + " requires encryption (STARTTLS), which the hub is set not to use"},
	{anyStep, 538, "", "", action.Invalid, needsEncryption},
	{anyStep, 523, "5.7.10", "", action.Invalid, needsEncryption},
	{anyStep, 0, "5.7.11", "", action.Invalid, needsEncryption},
	{signingIn, 504, "", "", action.Unauthenticated, host + " does not support the hub's way to sign in"},
	{signingIn, 502, "", "", action.Invalid, noSignIn},
	{signingIn, 503, "", "", action.Invalid, noSignIn},
	{
		signingIn, 534, "", "application-specific password", action.Unauthenticated,
		host + " requires an app password instead of the account's password",
	},
	{signingIn, 534, "", "", action.Unauthenticated, host + " does not accept a user name and a password alone"},
	{anyStep, 530, "", "", action.Unauthenticated, needsSignIn},
	{anyStep, 0, "5.7.57", "", action.Unauthenticated, needsSignIn},

	// Relaying. 5.7.54 and 5.7.64 are Exchange's. Others reply with 5.7.1, which has many meanings.
	{anyStep, 0, "5.7.54", "", action.Forbidden, noRelay},
	{anyStep, 0, "5.7.64", "", action.Forbidden, noRelay},
	{namingRecipient, 550, "", "relay", action.Forbidden, noRelay},
	{namingRecipient, 551, "", "", action.Forbidden, noRelay},
	{namingRecipient, 553, "", "relay", action.Forbidden, noRelay},
	{namingRecipient, 554, "", "relay", action.Forbidden, noRelay},
	{namingSender, 550, "", "relay", action.Forbidden, noRelay},

	// Recipients. A retry with as many of them cannot succeed.
	{namingRecipient, 0, "4.5.3", "", action.Invalid, tooMany},
	{namingRecipient, 0, "5.5.3", "", action.Invalid, tooMany},
	{namingRecipient, 452, "", "too many recipients", action.Invalid, tooMany},
	{namingRecipient, 552, "", "too many recipients", action.Invalid, tooMany},
	{anyStep, 0, "5.2.2", "", action.Invalid, mailboxFull},
	{anyStep, 0, "5.4.5", "", action.RateLimited, usedUp}, // Gmail's "Daily user sending limit exceeded"

	// Sizes. 552 is also the code for a full mailbox, above.
	{anyStep, 0, "5.3.4", "", action.TooLarge, tooLarge},
	{anyStep, 0, "5.2.3", "", action.TooLarge, tooLarge},
	{anyStep, 552, "", "", action.TooLarge, tooLarge},
	{anyStep, 523, "", "", action.TooLarge, tooLarge},

	// Domains that are not authenticated.
	{anyStep, 0, "5.7.20", "", action.Forbidden, badDKIM},
	{anyStep, 0, "5.7.21", "", action.Forbidden, badDKIM},
	{anyStep, 0, "5.7.22", "", action.Forbidden, badDKIM},
	{anyStep, 0, "5.7.23", "", action.Forbidden, badSPF},
	{anyStep, 0, "5.7.24", "", action.Forbidden, badSPF},
	{anyStep, 0, "5.7.25", "", action.Forbidden, host + " rejected the mail: the sending IP address has no valid reverse DNS entry"},
	{anyStep, 0, "5.7.26", "", action.Forbidden, host + " rejected the mail: SPF, DKIM and DMARC do not authenticate the sender's domain"},

	// Policies.
	{beginning, 0, "5.7.1", "", action.Forbidden, byPolicy},
	{ending, 0, "5.7.1", "", action.Forbidden, byPolicy},
	{namingRecipient, 0, "5.7.1", "", action.Forbidden, byPolicy + " to one of the recipients"},
}
