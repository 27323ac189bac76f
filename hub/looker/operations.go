package looker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// apiCall is a request of Looker's API that passed all checks.
type apiCall struct {
	ctx   context.Context
	user  *User
	token string
	path  func(name string) string
	query url.Values
	form  url.Values
	body  []byte
}

// endpoint is how the simulator answers an operation.
type endpoint struct {
	answer func(*apiCall) reply
	// needs is the permission that the user must have; empty means none.
	//
	// Source: Looker's documentation of the action hub lets administrators add hubs and enable
	// integrations, and names send_to_integration for using them. That Looker's API wants the
	// same is an assumption.
	needs Permission
	// open needs no access token.
	open bool
	// limited is rate limited. Source: the descriptions of two operations in Looker's document.
	limited bool
}

// endpoints are all operations, by the IDs of Looker's document.
func (l *Looker) endpoints() map[string]endpoint {
	return map[string]endpoint{
		"login":                                  {answer: l.login, open: true},
		"logout":                                 {answer: l.logout},
		"all_integration_hubs":                   {answer: l.listHubs, needs: Admin},
		"create_integration_hub":                 {answer: l.createHub, needs: Admin, limited: true},
		"integration_hub":                        {answer: l.showHub, needs: Admin},
		"update_integration_hub":                 {answer: l.updateHub, needs: Admin, limited: true},
		"delete_integration_hub":                 {answer: l.removeHub, needs: Admin},
		"get_integration_hub_health":             {answer: l.checkHub, needs: Admin},
		"accept_integration_hub_legal_agreement": {answer: l.acceptAgreement, needs: Admin},
		"all_integrations":                       {answer: l.listIntegrations, needs: SendToIntegration},
		"integration":                            {answer: l.showIntegration, needs: SendToIntegration},
		"update_integration":                     {answer: l.updateIntegration, needs: Admin},
		"fetch_integration_form":                 {answer: l.showForm, needs: SendToIntegration},
		"test_integration":                       {answer: l.testIntegration, needs: Admin},
	}
}

// operation is an operation of the document with the code that answers it.
type operation struct {
	endpoint
	Operation
}

// apiHandler routes the operations of the document.
func (l *Looker) apiHandler() (http.Handler, error) {
	mux := http.NewServeMux()
	endpoints := l.endpoints()
	for _, spec := range l.options.Document.Operations() {
		e, ok := endpoints[spec.ID()]
		if !ok {
			return nil, fmt.Errorf("the simulator does not have the operation %s", spec.ID())
		}
		o := &operation{e, spec}
		// Looker's document and Go's mux write path parameters in the same way.
		mux.HandleFunc(spec.Method()+" "+APIPath+spec.Path(), func(w http.ResponseWriter, r *http.Request) { l.serve(w, r, o) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { l.refuse(w, r, notFound()) })
	return mux, nil
}

// maxRequest limits the body of a request of Looker's API.
const maxRequest = 1 << 20

// serve answers an operation and records it.
func (l *Looker) serve(w http.ResponseWriter, r *http.Request, o *operation) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	entry := l.journal.request(r, body)
	if err != nil {
		l.respond(w, r, o, entry, nil, errorReply(http.StatusBadRequest, "The request's body cannot be read."))
		return
	}
	fault := l.faults.next(r)
	if fault != nil {
		l.journal.faulty(entry)
		fault.wait(r.Context())
		if fault.HangUp == HangUpBefore {
			l.journal.hungUp(entry)
			panic(http.ErrAbortHandler)
		}
		if fault.Status != 0 {
			l.respond(w, r, o, entry, nil, fault.reply())
			return
		}
	}
	p := l.answer(r, o, entry, body)
	if fault != nil && fault.HangUp == HangUpAfter {
		l.journal.hungUp(entry)
		panic(http.ErrAbortHandler)
	}
	l.respond(w, r, o, entry, body, p)
}

// answer checks a request and answers it.
func (l *Looker) answer(r *http.Request, o *operation, entry *Request, body []byte) reply {
	c := &apiCall{ctx: r.Context(), token: accessToken(r), path: r.PathValue, query: r.URL.Query(), body: body}
	if !o.open {
		if c.user = l.authenticate(r); c.user == nil {
			// Source: "Unauthorized (401) errors" of Looker's API troubleshooting.
			return errorReply(http.StatusUnauthorized, "Requires authentication.")
		}
		l.journal.authenticated(entry, c.user.ID)
		if o.needs != "" && !c.user.may(o.needs) {
			return notFound()
		}
	}
	if o.limited {
		if wait := l.limit(c.user.ID); wait > 0 {
			return tooManyRequests(wait)
		}
	}
	if p := refused(o, r, body); p != nil {
		return *p
	}
	if o.open {
		var err error
		if c.form, err = url.ParseQuery(string(body)); err != nil {
			return errorReply(http.StatusBadRequest, "The body is not a form.")
		}
	}
	return o.answer(c)
}

// respond checks the simulator's own response and sends it.
func (l *Looker) respond(w http.ResponseWriter, r *http.Request, o *operation, entry *Request, body []byte, p reply) {
	text, err := p.encode()
	if err == nil && p.status == http.StatusOK {
		text, err = selectFields(text, r.URL.Query().Get("fields"))
	}
	if err = errors.Join(err, o.CheckResponse(r, body, p.status, text)); err != nil {
		l.options.Log.ErrorContext(r.Context(), "the response does not match Looker's document",
			"operation", o.ID(), "status", p.status, "error", err)
		p = errorReply(http.StatusInternalServerError, "The simulator's response does not match Looker's document. See its log.")
		text, _ = p.encode()
	}
	l.journal.responded(entry, p.status, text)
	send(w, p, text)
}

// limit takes one request from a user's rate, and returns how long the user must wait if there is
// none left.
func (l *Looker) limit(user string) time.Duration {
	if l.options.RateLimit.Requests < 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter := l.limiters[user]
	if limiter == nil {
		limiter = l.options.RateLimit.limiter()
		l.limiters[user] = limiter
	}
	now := l.options.Now()
	if limiter.AllowN(now, 1) {
		return 0
	}
	missing := 1 - limiter.TokensAt(now)
	return time.Duration(missing / float64(limiter.Limit()) * float64(time.Second))
}
