package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/yaml"

	"integrationhub.dev/hub/looker"
	"integrationhub.dev/hub/selfsigned"
)

// credentials are the environment of the program.
var credentials = map[string]string{"LOOKER_CLIENT_ID": "client", "LOOKER_CLIENT_SECRET": "secret-of-the-client"}

// files writes a certificate, and returns its files and a client that trusts it.
func files(t *testing.T) (cert, key string, client *http.Client) {
	t.Helper()
	c, err := selfsigned.New("looker")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	for path, text := range map[string][]byte{cert: c.CertPEM, key: c.KeyPEM} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.CertPEM)
	return cert, key, &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
}

// freeAddress is an address that nothing listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// program is a running simulator.
type program struct {
	t            *testing.T
	api, control string
	client       *http.Client
	stop         func() error
}

func start(t *testing.T, state string) *program {
	t.Helper()
	cert, key, client := files(t)
	p := &program{t: t, client: client}
	api, control := freeAddress(t), freeAddress(t)
	p.api, p.control = "https://"+api, "http://"+control
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, slog.New(slog.DiscardHandler), []string{
			"-address", api, "-control-address", control, "-cert", cert, "-key", key, "-ca", cert, "-url", p.api, "-state", state,
			"-user-attributes", "crm_account,region", "-rate-limit", "-1",
		}, credentials)
	}()
	p.stop = func() error {
		cancel()
		return <-ended
	}
	for deadline := time.Now().Add(30 * time.Second); ; {
		if res, err := client.Get(p.control + "/healthz"); err == nil {
			_ = res.Body.Close()
			if res, err := client.Get(p.api + "/"); err == nil {
				_ = res.Body.Close()
				return p
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("the program does not answer")
		}
		select {
		case err := <-ended:
			t.Fatalf("the program stopped: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (p *program) send(req *http.Request) (int, string) {
	p.t.Helper()
	res, err := p.client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// call calls the API with an access token, or the control API without one.
func (p *program) call(method, address, body, token string) (int, string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "token "+token)
	}
	return p.send(req)
}

func (p *program) login() string {
	p.t.Helper()
	form := url.Values{"client_id": {"client"}, "client_secret": {"secret-of-the-client"}}
	res, err := p.client.PostForm(p.api+looker.APIPath+"/login", form)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	var in struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&in); err != nil || in.Token == "" {
		p.t.Fatalf("login: %d %v", res.StatusCode, err)
	}
	return in.Token
}

// The program serves both APIs, stops when it should, and has its state again when it is restarted.
func TestProgram(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state.json")
	p := start(t, state)
	status, text := p.call("POST", p.api+looker.APIPath+"/integration_hubs", `{"url":"https://127.0.0.1:1/"}`, p.login())
	if status != 200 || !strings.Contains(text, "connection refused") {
		t.Fatalf("%d %s", status, text)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	p = start(t, state)
	if status, text = p.call("GET", p.control+"/hubs", "", ""); status != 200 || !strings.Contains(text, "https://127.0.0.1:1/") {
		t.Errorf("after a restart: %d %s", status, text)
	}
	if status, text = p.call("POST", p.control+"/faults", `{"status":503,"times":1,"delay":"1ms"}`, ""); status != 200 {
		t.Errorf("%d %s", status, text)
	}
	token := p.loginAfter(503)
	if status, _ = p.call("GET", p.api+looker.APIPath+"/integration_hubs", "", token); status != 200 {
		t.Error(status)
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
}

// loginAfter logs in after one answer with a status.
func (p *program) loginAfter(want int) string {
	p.t.Helper()
	if status, text := p.call("POST", p.api+looker.APIPath+"/login", "", ""); status != want {
		p.t.Errorf("%d %s, want %d", status, text, want)
	}
	return p.login()
}

// What is missing is named.
func TestSettings(t *testing.T) {
	t.Parallel()
	cert, key, _ := files(t)
	tls := []string{"-cert", cert, "-key", key}
	for name, tt := range map[string]struct {
		args []string
		env  map[string]string
		want string
	}{
		"no certificate":  {[]string{"-url", "https://x"}, credentials, "-cert and -key are missing"},
		"no credentials":  {tls, nil, "LOOKER_CLIENT_ID and LOOKER_CLIENT_SECRET are missing"},
		"no URL":          {tls, credentials, "must start with https://"},
		"no authorities":  {append(tls, "-url", "https://x", "-ca", "/nope"), credentials, "reading -ca"},
		"another flag":    {append(tls, "-nope"), credentials, "not defined: -nope"},
		"no such file":    {[]string{"-url", "https://x", "-cert", "/nope", "-key", "/nope"}, credentials, "reading the certificate"},
		"a taken address": {append(tls, "-url", "https://x", "-address", "999.0.0.1:1", "-control-address", "127.0.0.1:0"), credentials, "serving"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := run(ctx, slog.New(slog.DiscardHandler), tt.args, tt.env); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

// The manifest's arguments are the program's, and its variables have the API key.
func TestManifest(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("looker.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for object := range strings.SplitSeq(string(text), "\n---\n") {
		d := &appsv1.Deployment{}
		if !strings.Contains(object, "\nkind: Deployment\n") {
			continue
		}
		if err := yaml.UnmarshalStrict([]byte(object), d); err != nil {
			t.Fatal(err)
		}
		c, env := d.Spec.Template.Spec.Containers[0], map[string]string{}
		for _, v := range c.Env {
			env[v.Name] = v.ValueFrom.SecretKeyRef.Key
		}
		// The authorities are mounted in the pod alone.
		args := slices.DeleteFunc(slices.Clone(c.Args), func(a string) bool { return strings.HasPrefix(a, "-ca=") })
		if len(args) != len(c.Args)-1 {
			t.Errorf("hubs' certificates are not verified by the mounted authority: %q", c.Args)
		}
		s, err := parse(args, env)
		if err != nil {
			t.Fatal(err)
		}
		if u := s.options.Users[0]; u.ClientID != "client_id" || u.ClientSecret != "client_secret" {
			t.Errorf("the API key is %q, %q", u.ClientID, u.ClientSecret)
		}
		return
	}
	t.Fatal("looker.yaml has no Deployment")
}

// The README has every flag and variable.
func TestREADME(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(text)
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names(string(source)) {
		if !strings.Contains(readme, "`"+name+"`") {
			t.Errorf("%s is not in the README", name)
		}
	}
}

// names are the flags and variables in the program's source.
func names(source string) []string {
	var all []string
	for line := range strings.Lines(source) {
		if _, rest, ok := strings.Cut(line, "Var(&s."); ok {
			parts := strings.Split(rest, `"`)
			all = append(all, "-"+parts[1])
		}
		for _, part := range strings.Split(line, `env["`)[1:] {
			name, _, _ := strings.Cut(part, `"`)
			all = append(all, name)
		}
	}
	return all
}
