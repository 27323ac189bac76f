package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"integrationhub.dev/hub/outbound"
)

// looker acts as Looker: the same headers, the same envelope, a chunked body.
type looker struct {
	url, token, caFile, version, connect string
	flags                                *flag.FlagSet
}

func newLooker(name, args string) *looker {
	l := &looker{flags: flag.NewFlagSet("hub "+name, flag.ContinueOnError)}
	l.flags.StringVar(&l.url, "url", os.Getenv("HUB_URL"), "the hub's address (HUB_URL)")
	l.flags.StringVar(&l.caFile, "ca", os.Getenv("HUB_CA_FILE"), "certificate authority to trust, PEM (HUB_CA_FILE)")
	l.flags.StringVar(&l.connect, "connect", os.Getenv("HUB_CONNECT"), "host:port to connect to in place of the address, as through a port-forward (HUB_CONNECT)")
	l.flags.StringVar(&l.version, "looker", "24.20.41", "the version of Looker to pretend to be")
	l.token = os.Getenv("HUB_TOKEN")
	l.flags.Usage = func() {
		fmt.Fprintf(l.flags.Output(), "usage: HUB_TOKEN=… hub %s %s [flags]\n", name, args)
		l.flags.PrintDefaults()
	}
	return l
}

// parse reads flags that may stand before and after the arguments, and wants n arguments.
func (l *looker) parse(args []string, n int) ([]string, error) {
	var rest []string
	for len(args) > 0 {
		if err := l.flags.Parse(args); err != nil {
			return nil, err
		}
		if args = l.flags.Args(); len(args) > 0 {
			rest, args = append(rest, args[0]), args[1:]
		}
	}
	switch {
	case len(rest) != n:
		l.flags.Usage()
		return nil, flag.ErrHelp
	case l.url == "":
		return nil, errors.New("no hub: set HUB_URL or --url")
	case l.token == "":
		return nil, errors.New("no token: set HUB_TOKEN (see: hub token)")
	}
	return rest, nil
}

// post sends a request and returns the answer, which may follow newlines.
func (l *looker) post(ctx context.Context, path string, body io.Reader) ([]byte, error) {
	roots, err := outbound.LoadRoots(l.caFile)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	if l.connect != "" {
		transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, l.connect)
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(l.url, "/")+path, body)
	if err != nil {
		return nil, fmt.Errorf("preparing the request: %w", err)
	}
	req.ContentLength = -1 // Looker sends its bodies in chunks
	req.Header.Set("Authorization", fmt.Sprintf("Token token=%q", l.token))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "LookerOutgoingWebhook/"+l.version)
	req.Header.Set("X-Looker-Instance", "hub-cli")
	req.Header.Set("X-Looker-Webhook-Id", "hub-cli")
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return nil, fmt.Errorf("calling the hub: %w", err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the hub's answer: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the hub answered %s: %s", res.Status, bytes.TrimSpace(answer))
	}
	return answer, nil
}

func printJSON(out io.Writer, answer []byte) error {
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(answer), "", "  "); err != nil {
		return fmt.Errorf("the hub's answer is not JSON: %w", err)
	}
	b.WriteByte('\n')
	_, err := b.WriteTo(out)
	return err
}

// list prints what a hub offers, one integration a line.
func list(ctx context.Context, args []string, out io.Writer) error {
	l := newLooker("list", "")
	asJSON := l.flags.Bool("json", false, "print the hub's answer itself")
	if _, err := l.parse(args, 0); err != nil {
		return err
	}
	answer, err := l.post(ctx, "/", strings.NewReader("{}"))
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(out, answer)
	}
	var hub struct {
		Label        string
		Integrations []struct {
			Name, Label string
			Types       []string `json:"supported_action_types"`
			Formats     []string `json:"supported_formats"`
		}
	}
	if err := json.Unmarshal(answer, &hub); err != nil {
		return fmt.Errorf("reading the list: %w", err)
	}
	_, _ = fmt.Fprintf(out, "%s: %d integrations\n", hub.Label, len(hub.Integrations))
	for _, i := range hub.Integrations {
		formats := strings.Join(i.Formats, ",")
		if formats == "" {
			formats = "any format"
		}
		_, _ = fmt.Fprintf(out, "  %-28s %-28s %-24s %s\n", i.Name, i.Label, strings.Join(i.Types, ","), formats)
	}
	return nil
}

// form prints an integration's form.
func form(ctx context.Context, args []string, out io.Writer) error {
	l := newLooker("form", "NAME")
	envelope := l.envelopeFlags()
	rest, err := l.parse(args, 1)
	if err != nil {
		return err
	}
	body, err := json.Marshal(envelope())
	if err != nil {
		return err
	}
	answer, err := l.post(ctx, "/actions/"+url.PathEscape(rest[0])+"/form", bytes.NewReader(body))
	if err != nil {
		return err
	}
	return printJSON(out, answer)
}

// pairs collects repeated --name key=value flags.
type pairs map[string]string

func (p pairs) String() string { return strings.Join(slices.Sorted(maps.Keys(p)), ",") }

func (p pairs) Set(text string) error {
	k, v, ok := strings.Cut(text, "=")
	if !ok || k == "" {
		return errors.New("want key=value")
	}
	p[k] = v
	return nil
}

// envelopeFlags adds the flags that say what Looker would ask for.
func (l *looker) envelopeFlags() func() map[string]any {
	params, fields := pairs{}, pairs{}
	l.flags.Var(params, "param", "a setting of the integration in Looker, key=value (repeatable)")
	l.flags.Var(fields, "field", "an answer of the user in the form, key=value (repeatable)")
	kind := l.flags.String("type", "query", "the kind of request: cell, query, dashboard")
	return func() map[string]any {
		return map[string]any{"type": *kind, "data": params, "form_params": fields}
	}
}

// errNotDelivered makes the program's exit status tell the outcome.
var errNotDelivered = errors.New("the delivery failed")

// send delivers a file.
func send(ctx context.Context, args []string, out io.Writer) error {
	l := newLooker("send", "NAME --data FILE")
	envelope := l.envelopeFlags()
	data := l.flags.String("data", "", "the file to deliver")
	download := l.flags.String("download-url", "", "an address where the hub shall fetch the data instead")
	title := l.flags.String("title", "Sent by hub send", "the schedule's title")
	rest, err := l.parse(args, 1)
	if err != nil {
		return err
	}
	body := envelope()
	plan := map[string]any{"title": *title, "type": "Look", "url": "https://looker.example.com/looks/1"}
	if *download != "" {
		plan["download_url"] = *download
	}
	body["scheduled_plan"] = plan
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(writeEnvelope(writer, body, *data)) }()
	answer, err := l.post(ctx, "/actions/"+url.PathEscape(rest[0])+"/execute", reader)
	_ = reader.Close()
	if err != nil {
		return err
	}
	if err := printJSON(out, answer); err != nil {
		return err
	}
	var result struct{ Looker struct{ Success bool } }
	if err := json.Unmarshal(answer, &result); err != nil || !result.Looker.Success {
		return errNotDelivered
	}
	return nil
}

// mimeTypes are what Looker calls the formats; those that are not text travel as base64.
var mimeTypes = map[string]string{
	"json": "application/json", "csv": "text/csv", "txt": "text/plain", "html": "text/html",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet;base64",
	"pdf":  "application/pdf;base64", "png": "image/png;base64", "zip": "application/zip;base64",
}

// writeEnvelope streams the request, so that a file of any size can be sent.
func writeEnvelope(w io.Writer, body map[string]any, file string) error {
	head, err := json.Marshal(body)
	if err != nil || file == "" {
		_, werr := w.Write(head)
		return errors.Join(err, werr)
	}
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("opening the data: %w", err)
	}
	defer f.Close()
	extension := strings.TrimPrefix(filepath.Ext(file), ".")
	mime, ok := mimeTypes[extension]
	if !ok {
		mime = "application/octet-stream;base64"
	}
	if _, err := fmt.Fprintf(w, `%s,"attachment":{"mimetype":%q,"extension":%q,"data":"`, head[:len(head)-1], mime, extension); err != nil {
		return err
	}
	if strings.HasSuffix(mime, ";base64") {
		enc := base64.NewEncoder(base64.StdEncoding, w)
		_, err = io.Copy(enc, f)
		err = errors.Join(err, enc.Close())
	} else {
		_, err = io.Copy(jsonText{w}, f)
	}
	if err != nil {
		return fmt.Errorf("sending the data: %w", err)
	}
	_, err = io.WriteString(w, `"}}`)
	return err
}

// jsonText writes the inside of a JSON string.
type jsonText struct{ w io.Writer }

func (j jsonText) Write(p []byte) (int, error) {
	var b bytes.Buffer
	for _, c := range p {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < 0x20:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteByte(c)
		}
	}
	if _, err := b.WriteTo(j.w); err != nil {
		return 0, err
	}
	return len(p), nil
}
