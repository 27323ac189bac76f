package mailbox_test

import (
	"errors"
	"net/mail"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/integrations/internal/mailbox"
)

func TestParseList(t *testing.T) {
	t.Parallel()
	ann, bob := &mail.Address{Address: "ann@example.com"}, &mail.Address{Address: "bob@example.com"}
	jane := &mail.Address{Name: "Doe, Jane", Address: "jane@example.com"}
	john := &mail.Address{Name: "Roe, John", Address: "john@example.com"}
	just := func(address string) []*mail.Address { return []*mail.Address{{Address: address}} }
	named := func(name, address string) []*mail.Address { return []*mail.Address{{Name: name, Address: address}} }
	for name, tt := range map[string]struct {
		text string
		want []*mail.Address
	}{
		"commas":                           {"ann@example.com, bob@example.com", []*mail.Address{ann, bob}},
		"semicolons":                       {"ann@example.com; bob@example.com;", []*mail.Address{ann, bob}},
		"lines":                            {"ann@example.com\nbob@example.com", []*mail.Address{ann, bob}},
		"lines of Windows":                 {"ann@example.com\r\nbob@example.com\r\n", []*mail.Address{ann, bob}},
		"lines of old Macs":                {"ann@example.com\rbob@example.com\r", []*mail.Address{ann, bob}},
		"line separators of Unicode":       {"ann@example.com\u2028bob@example.com\u2029", []*mail.Address{ann, bob}},
		"tabs":                             {"ann@example.com\tbob@example.com\t", []*mail.Address{ann, bob}},
		"blanks":                           {"ann@example.com  bob@example.com", []*mail.Address{ann, bob}},
		"no-break spaces":                  {"ann@example.com\u00a0bob@example.com\u00a0", []*mail.Address{ann, bob}},
		"ideographic spaces":               {"\u3000ann@example.com\u3000bob@example.com", []*mail.Address{ann, bob}},
		"fullwidth separators":             {"ann@example.com；bob@example.com，", []*mail.Address{ann, bob}},
		"ideographic comma":                {"ann@example.com、bob@example.com", []*mail.Address{ann, bob}},
		"separators twice":                 {";; ann@example.com,, bob@example.com;;\n;", []*mail.Address{ann, bob}},
		"nothing between brackets":         {"<ann@example.com><bob@example.com>", []*mail.Address{ann, bob}},
		"comma in a name":                  {"Doe, Jane <jane@example.com>", []*mail.Address{jane}},
		"Outlook":                          {"Doe, Jane <jane@example.com>; Roe, John <john@example.com>", []*mail.Address{jane, john}},
		"Outlook with commas between":      {"Doe, Jane <jane@example.com>, Roe, John <john@example.com>,", []*mail.Address{jane, john}},
		"Outlook in lines":                 {"Doe, Jane <jane@example.com>\nRoe, John <john@example.com>\n", []*mail.Address{jane, john}},
		"Outlook with blanks between":      {"Doe, Jane <jane@example.com> Roe, John <john@example.com>", []*mail.Address{jane, john}},
		"a name after a bare address":      {"ann@example.com, Doe, Jane <jane@example.com>", []*mail.Address{ann, jane}},
		"a fullwidth comma in a name":      {"Doe，Jane <jane@example.com>", named("Doe，Jane", "jane@example.com")},
		"a name of three parts":            {"Doe, Jane, Dr. <jane@example.com>", named("Doe, Jane, Dr.", "jane@example.com")},
		"quoted names":                     {`"Doe, Jane" <jane@example.com>; "Roe, John" <john@example.com>`, []*mail.Address{jane, john}},
		"curly quotes":                     {"“Doe, Jane” <jane@example.com>; „Roe, John‟ <john@example.com>", []*mail.Address{jane, john}},
		"a semicolon in quotes":            {`"Roe; John" <john@example.com>; ann@example.com`, []*mail.Address{{Name: "Roe; John", Address: "john@example.com"}, ann}},
		"a quote in quotes":                {`"Jane \"JD\" Doe, Dr." <jane@example.com>; ann@example.com`, []*mail.Address{{Name: `Jane "JD" Doe, Dr.`, Address: "jane@example.com"}, ann}},
		"single quotes":                    {"'Doe, Jane' <jane@example.com>; 'ann@example.com'", []*mail.Address{jane, ann}},
		"single quotes within brackets":    {"'ann@example.com' <'ann@example.com'>", []*mail.Address{ann}},
		"quotes around an address":         {`"ann@example.com"; “bob@example.com”`, []*mail.Address{ann, bob}},
		"brackets":                         {"<ann@example.com>", []*mail.Address{ann}},
		"blanks within brackets":           {"Ann < ann@example.com >", named("Ann", "ann@example.com")},
		"the address as the name":          {"ann@example.com <ann@example.com>", []*mail.Address{ann}},
		"a name in parentheses":            {"ann@example.com (Doe, Ann)", named("Doe, Ann", "ann@example.com")},
		"a name with parentheses":          {"Acme (Ops, EU) <ops@example.com>; ann@example.com", []*mail.Address{{Name: "Acme", Address: "ops@example.com"}, ann}},
		"a parenthesis without an end":     {"Jane :( <jane@example.com>, ann@example.com", []*mail.Address{{Name: "Jane :(", Address: "jane@example.com"}, ann}},
		"a dot in a name":                  {"Acme Inc. <ops@example.com>", named("Acme Inc.", "ops@example.com")},
		"letters outside of ASCII":         {"Jürgen Müller <j@example.com>", named("Jürgen Müller", "j@example.com")},
		"an encoded name":                  {"=?utf-8?q?J=C3=BCrgen?= <j@example.com>", named("Jürgen", "j@example.com")},
		"an apostrophe":                    {"O'Brien <o'brien@example.com>", named("O'Brien", "o'brien@example.com")},
		"a curly apostrophe":               {"O’Brien <o’brien@example.com>", named("O’Brien", "o'brien@example.com")},
		"mailto":                           {"mailto:ann@example.com; MAILTO:bob@example.com?subject=Hi", []*mail.Address{ann, bob}},
		"mailto within brackets":           {"Ann <mailto:ann@example.com>", named("Ann", "ann@example.com")},
		"a link behind its text":           {"ann@example.com<mailto:ann@example.com>; bob@example.com <mailto:BOB@example.com>", []*mail.Address{ann, bob}},
		"a link within brackets":           {"Doe, Jane <jane@example.com<mailto:jane@example.com>>; ann@example.com", []*mail.Address{jane, ann}},
		"the end of a sentence":            {"ann@example.com.", []*mail.Address{ann}},
		"zero width space":                 {"\u200bann@\u200bexample.com\u200b", []*mail.Address{ann}},
		"byte order mark":                  {"\ufeffann@example.com", []*mail.Address{ann}},
		"bidirectional marks":              {"\u202aann@example.com\u202c; \u2066bob@example.com\u2069\u200e", []*mail.Address{ann, bob}},
		"soft hyphen":                      {"ann@exam\u00adple.com", []*mail.Address{ann}},
		"word joiner":                      {"ann\u2060@example.com", []*mail.Address{ann}},
		"filler letter":                    {"ann\u3164@example.com", []*mail.Address{ann}},
		"variation selector":               {"ann\ufe0f@example.com", []*mail.Address{ann}},
		"internationalized domain":         {"ann@bücher.example", just("ann@xn--bcher-kva.example")},
		"internationalized domain, named":  {"Doe, Jane <jane@BÜCHER.example>", named("Doe, Jane", "jane@xn--bcher-kva.example")},
		"ideographic full stop":            {"ann@例え。テスト", just("ann@xn--r8jz45g.xn--zckzah")},
		"internationalized local part":     {"jürgen@example.com", just("jürgen@example.com")},
		"decomposed letters":               {"ju\u0308rgen@example.com", just("jürgen@example.com")},
		"decomposed letters in the domain": {"ann@bu\u0308cher.example", just("ann@xn--bcher-kva.example")},
		"a list by a mail program":         {"Ann <ann@example.com>,\r\n \"Bob\" <bob@example.com>", []*mail.Address{{Name: "Ann", Address: "ann@example.com"}, {Name: "Bob", Address: "bob@example.com"}}},
		"a quote without an end":           {`"Ann <ann@example.com>; bob@example.com`, []*mail.Address{{Name: `"Ann`, Address: "ann@example.com"}, bob}},
		"control characters in a name":     {"Doe, J\x01ne <jane@example.com>", named("Doe, J ne", "jane@example.com")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := mailbox.ParseList(tt.text)
			if err != nil {
				t.Fatalf("ParseList(%q): %v", tt.text, err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ParseList(%q) (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

// What is not an address is named, and never left out.
func TestParseListNamesPart(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, part string }{
		"a word":                       {"ann", "ann"},
		"a word at the end":            {"ann@example.com, bob", "bob"},
		"a word at the start":          {"bob; ann@example.com", "bob"},
		"a word between":               {"ann@example.com\nbob\neve@example.com", "bob"},
		"a word before a bare address": {"bob, ann@example.com", "bob, ann@example.com"},
		"a name without brackets":      {"Jane Doe jane@example.com", "Jane Doe jane@example.com"},
		"a word behind brackets":       {"Ann <ann@example.com> bob", "bob"},
		"another header":               {"ann@example.com\r\nBcc: eve@example.com", "Bcc: eve@example.com"},
		"another address as the name":  {"bob@example.com Ann <ann@example.com>", "bob@example.com Ann <ann@example.com>"},
		"a link to another address":    {"ann@example.com<mailto:eve@example.com>", "ann@example.com<mailto:eve@example.com>"},
		"another separator":            {"ann@example.com|bob@example.com", "ann@example.com|bob@example.com"},
		"dots in a row":                {"ann@example.com; try..this@example.com", "try..this@example.com"},
		"a dot before the @":           {"john.@example.com", "john.@example.com"},
		"no domain":                    {"ann@; bob@example.com", "ann@"},
		"no local part":                {"bob@example.com; @example.com", "@example.com"},
		"an open bracket":              {"Ann <ann@example.com", "Ann <ann@example.com"},
		"an underscore in the domain":  {"ann@my_company.example", "ann@my_company.example"},
		"an address literal":           {"ann@example.com; Bob <bob@[127.0.0.1]>", "Bob <bob@[127.0.0.1]>"},
		"a quoted local part":          {`ann@example.com; "a b"@example.com`, `"a b"@example.com`},
		"SMTP parameters":              {`"thief@evil.example> ORCPT=rfc822;a"@example.com`, `"thief@evil.example> ORCPT=rfc822;a"@example.com`},
		"SMTP parameters, named":       {`Ann <"thief@evil.example> ORCPT=rfc822;a"@example.com>`, `Ann <"thief@evil.example>`},
		"a control character":          {"ann@example.com; a\x01b@example.com", "a\x01b@example.com"},
		"invalid UTF-8":                {"a\xffb@example.com", "a\ufffdb@example.com"},
		"invisible characters":         {"\u200bann\u202e; bob@example.com", "ann"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := mailbox.ParseList(tt.text)
			bad, ok := errors.AsType[*mailbox.PartError](err)
			if !ok {
				t.Fatalf("ParseList(%q) = %v, %v, want an error", tt.text, got, err)
			}
			if bad.Part != tt.part {
				t.Errorf("ParseList(%q) names %q, want %q", tt.text, bad.Part, tt.part)
			}
		})
	}
	for _, text := range []string{"", " ", ",;", "\u200b\n;"} {
		if got, err := mailbox.ParseList(text); err == nil {
			t.Errorf("ParseList(%q) = %v, want an error", text, got)
		}
	}
}

// A long text takes no longer than its length warrants, whatever is in it.
func TestParseListOfLongText(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"(", "<", `"`, `\"`, "a,", "(@)", "a@b<mailto:", "\u200b", ";x"} {
		if got, err := mailbox.ParseList("x" + strings.Repeat(part, 1<<17)); err == nil {
			t.Errorf("%q repeated is accepted: %d addresses", part, len(got))
		}
	}
}

func TestParseOne(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		want *mail.Address
	}{
		"plain":           {"ann@example.com\u00a0", &mail.Address{Address: "ann@example.com"}},
		"comma in a name": {"Acme, Inc. <ops@example.com>", &mail.Address{Name: "Acme, Inc.", Address: "ops@example.com"}},
		"two":             {"ann@example.com, bob@example.com", nil},
		"none":            {"ann", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := mailbox.ParseOne(tt.text)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ParseOne(%q) (-want +got), %v:\n%s", tt.text, err, diff)
			}
			if (err == nil) != (tt.want != nil) {
				t.Errorf("ParseOne(%q): error %v", tt.text, err)
			}
		})
	}
}
