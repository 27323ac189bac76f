package console

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"integrationhub.dev/hub/looker"
	"integrationhub.dev/hub/page"
)

// Server serves the console's pages, and the addresses of the simulated Looker that the hub and browsers
// get.
type Server struct {
	session  *Session
	options  Options
	guard    *guard
	key      string
	mux      *http.ServeMux
	drafts   *drafts
	runs     runs
	running  sync.WaitGroup
	lifetime context.Context //nolint:containedctx // deliveries outlive the requests that start them

	mu   sync.Mutex
	user string
	// tested are the results of the last tests, by user and integration.
	tested map[string]string
}

// NewServer makes a console. Deliveries end with ctx.
func NewServer(ctx context.Context, s *Session, o Options, listener net.Addr) *Server {
	c := &Server{
		session: s, options: o, guard: newGuard(listener, o.URL), key: rand.Text(), drafts: &drafts{all: map[string]*draft{}},
		lifetime: ctx, user: Users[0], tested: map[string]string{},
	}
	c.mux = c.routes()
	return c
}

// Path is below what the pages are served. It has a secret, so that no other user of the machine, and no
// page of another site, opens them.
func (s *Server) Path() string { return "/" + s.key + "/" }

// Serve serves until ctx ends.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	log := s.options.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go s.session.RefreshEvery(ctx, looker.RefreshInterval)
	err := server.Serve(l)
	s.running.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// policy lets a page load what the console itself serves, and icons, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.guard.allows(r) {
		http.Error(w, "This request does not come from the console's own pages. Open the URL that hub console printed.", http.StatusForbidden)
		return
	}
	if oneTime(r.URL.Path) {
		s.session.ServeHTTP(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // the path has a secret
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	s.mux.ServeHTTP(w, r)
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	handle := func(pattern string, h http.HandlerFunc) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+s.Path()+path, h)
	}
	handle("GET {$}", s.showList)
	handle("POST refresh", s.refresh)
	handle("POST user", s.switchUser)
	handle("GET wire", s.showWire)
	handle("GET integrations/{name}", s.with(s.showIntegration))
	handle("POST integrations/{name}/params", s.with(s.setParams))
	handle("POST integrations/{name}/test", s.with(s.test))
	handle("POST integrations/{name}/form", s.with(s.submit))
	handle("POST integrations/{name}/sign-out", s.with(s.signOut))
	handle("GET integrations/{name}/signed-in", s.with(s.signedIn))
	handle("GET runs/{id}", s.showRun)
	handle("GET runs/{id}/state", s.runState)
	handle("GET runs/{id}/case.yaml", s.saveCase)
	handle("POST runs/{id}/cancel", s.cancelRun)
	for name, text := range map[string]func() string{
		"base.css": func() string { return page.BaseStyle }, "console.css": func() string { return style }, "console.js": func() string { return script },
	} {
		handle("GET "+name, func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, name, time.Time{}, strings.NewReader(text()))
		})
	}
	return mux
}

// with finds the integration that a request names.
func (s *Server) with(next func(http.ResponseWriter, *http.Request, looker.Definition)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		d, err := s.session.Find(r.PathValue("name"))
		if err != nil {
			s.fail(w, r, http.StatusNotFound, err)
			return
		}
		next(w, r, d)
	}
}

// current is the user as whom the console acts.
func (s *Server) current() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.user
}

func (s *Server) switchUser(w http.ResponseWriter, r *http.Request) {
	if user := r.FormValue("user"); slices.Contains(Users, user) {
		s.mu.Lock()
		s.user = user
		s.mu.Unlock()
	}
	s.back(w, r, "")
}

func (s *Server) refresh(w http.ResponseWriter, r *http.Request) {
	if err := s.session.Refresh(r.Context()); err != nil {
		s.fail(w, r, http.StatusInternalServerError, err)
		return
	}
	s.back(w, r, "")
}

// back redirects to a page of the console.
func (s *Server) back(w http.ResponseWriter, r *http.Request, path string) {
	http.Redirect(w, r, s.Path()+path, http.StatusSeeOther)
}

func integrationPath(d looker.Definition) string { return "integrations/" + url.PathEscape(d.Name) }

func runPath(id int) string { return "runs/" + strconv.Itoa(id) }

// setParams stores settings. A secret that is left empty keeps its value, unless it is to be cleared.
func (s *Server) setParams(w http.ResponseWriter, r *http.Request, d looker.Definition) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		s.fail(w, r, http.StatusBadRequest, err)
		return
	}
	values := map[string]string{}
	for _, p := range d.Params {
		name := fieldPrefix + p.Name
		value, given := r.PostForm.Get(name), r.PostForm.Has(name)
		if given && (value != "" || !p.Secret()) || r.PostForm.Get("clear."+p.Name) != "" {
			values[p.Name] = value
		}
	}
	if err := s.session.SetParams(s.current(), d.Name, values); err != nil {
		s.fail(w, r, http.StatusUnprocessableEntity, err)
		return
	}
	s.back(w, r, integrationPath(d)+"#form")
}

// test is Looker's button to test an integration.
func (s *Server) test(w http.ResponseWriter, r *http.Request, d looker.Definition) {
	user := s.current()
	result, err := s.session.Test(r.Context(), user, s.session.ID(d.Name))
	message := result.Message
	if err != nil {
		message = err.Error()
	}
	s.mu.Lock()
	s.tested[draftKey(user, d.Name)] = message
	s.mu.Unlock()
	s.back(w, r, integrationPath(d)+"#params")
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request, d looker.Definition) {
	if err := s.session.SetState(s.current(), s.session.ID(d.Name), "", 0); err != nil {
		s.fail(w, r, http.StatusInternalServerError, err)
		return
	}
	s.back(w, r, integrationPath(d)+"#form")
}

func (s *Server) signedIn(w http.ResponseWriter, _ *http.Request, d looker.Definition) {
	writeJSON(w, s.session.HasState(s.current(), s.session.ID(d.Name)))
}

// submit keeps what the user entered, and sends it if the user pressed that button.
func (s *Server) submit(w http.ResponseWriter, r *http.Request, d looker.Definition) {
	user := s.current()
	n := s.drafts.get(user, d)
	if err := n.read(w, r); err != nil {
		s.fail(w, r, http.StatusBadRequest, err)
		return
	}
	send := r.FormValue("do") == "send"
	var a looker.Action
	if send {
		var err error
		if a, err = n.action(user, s.session.ID(d.Name), d); err != nil {
			n.Problem, send = err.Error(), false
		}
	}
	s.drafts.put(user, d.Name, n)
	if !send {
		to := integrationPath(d)
		if n.Focus == "" { // browsers do not focus a field where the address names a place
			to += "#form"
		}
		s.back(w, r, to)
		return
	}
	// An integration without settings was not enabled by saving them.
	if err := s.session.SetParams(user, d.Name, nil); err != nil {
		s.fail(w, r, http.StatusUnprocessableEntity, err)
		return
	}
	id := s.start(s.lifetime, d, n, a) // it outlives this request
	s.back(w, r, runPath(id))
}

func (s *Server) cancelRun(w http.ResponseWriter, r *http.Request) {
	o, ok := s.find(r.PathValue("id"))
	if !ok {
		s.fail(w, r, http.StatusNotFound, errNoRun)
		return
	}
	o.cancel()
	s.back(w, r, runPath(o.ID))
}

// runState is what the page of a run that is still going on asks for.
func (s *Server) runState(w http.ResponseWriter, r *http.Request) {
	o, ok := s.find(r.PathValue("id"))
	if !ok {
		s.fail(w, r, http.StatusNotFound, errNoRun)
		return
	}
	writeJSON(w, map[string]any{"running": o.Running, "progress": o.Progress()})
}

func (s *Server) saveCase(w http.ResponseWriter, r *http.Request) {
	o, ok := s.find(r.PathValue("id"))
	if !ok || o.Running {
		s.fail(w, r, http.StatusNotFound, errNoRun)
		return
	}
	text, err := s.save(o)
	if err != nil {
		s.fail(w, r, http.StatusInternalServerError, err)
		return
	}
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Content-Disposition", `attachment; filename="`+fileName(o.Integration.Name)+`.yaml"`)
	_, _ = w.Write(text) // the browser may be gone
}

var errNoRun = errors.New("the delivery does not exist; the console keeps only the latest ones")

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the browser may be gone
}
