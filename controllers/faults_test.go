package controllers_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// effects sees everything that an operator changes outside of itself: objects of the API server, SQL and calls to the object
// store all pass through it on their way to the real servers. It counts them, and can cut the operator off after any of them:
// the change is made, the answer never arrives, and nothing goes through from then on, as if the process had died.
type effects struct {
	mu       sync.Mutex
	made     []string
	cutAfter int           // how many effects are let through; 0: all
	cut      chan struct{} // closed when the operator is cut off
	events   int           // events told, which are no effects: another goroutine tells them after the fact
	looks    int           // how often a vault's namespace was read, as each pass over a vault does once
	away     map[string]bool
	late     time.Duration     // how long after the API server told it a watch is heard
	lateOf   string            // the resource of which it is so; empty: of all
	groups   map[string]bool   // of APIs that others bring: those that are installed, as far as the operator can see
	sessions map[net.Conn]bool // of Postgres
}

// What setAway can take away: servers, and of the API server the Lease by which one of several operators works.
const (
	postgresServer = "postgres"
	storeServer    = "store"
	lease          = "lease"
)

var errCutOff = errors.New("the operator is cut off")

func newEffects() *effects {
	return &effects{cut: make(chan struct{}), away: map[string]bool{}, groups: map[string]bool{}, sessions: map[net.Conn]bool{}}
}

// setAway has new connections to a server refused, or taken again.
func (e *effects) setAway(server string, away bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.away[server] = away
}

// setLate has the caches of an operator that starts from now on be so late: that of one resource, or with an empty name all.
func (e *effects) setLate(late time.Duration, resource string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.late, e.lateOf = late, resource
}

// heard returns what a watch of a resource tells, as late as it is to be heard.
func (e *effects) heard(resource string, body io.ReadCloser) io.ReadCloser {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.late == 0 || (e.lateOf != "" && e.lateOf != resource) {
		return body
	}
	return delayed(body, e.late)
}

// delayed returns what is read of body, each part so long after it came.
func delayed(body io.ReadCloser, late time.Duration) io.ReadCloser {
	type part struct {
		text []byte
		due  time.Time
	}
	parts := make(chan part, 10_000) // more than a test's watch tells in the time
	out, in := io.Pipe()
	go func() {
		defer close(parts)
		for {
			text := make([]byte, 16<<10)
			n, err := body.Read(text)
			if n > 0 {
				parts <- part{text[:n], time.Now().Add(late)}
			}
			if err != nil {
				return
			}
		}
	}()
	go func() {
		defer func() { _ = in.Close() }()
		for p := range parts {
			time.Sleep(time.Until(p.due))
			if _, err := in.Write(p.text); err != nil {
				break // nobody listens any more
			}
		}
		_ = body.Close()
		for range parts { // until the reader has ended
		}
	}()
	return out
}

func (e *effects) isAway(server string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.away[server]
}

// The groups of APIs that setInstalled can bring. At first an operator sees none of them.
const (
	keda       = "keda.sh"
	gatewayAPI = "gateway.networking.k8s.io"
)

// setInstalled has the API server know, or not know, a group that others bring.
func (e *effects) setInstalled(group string, is bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.groups[group] = is
}

// isHidden reports that a request is for a group that is not to be there.
func (e *effects) isHidden(r *http.Request) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, group := range []string{keda, gatewayAPI} {
		if strings.HasPrefix(r.URL.Path, "/apis/"+group+"/") {
			return !e.groups[group]
		}
	}
	return false
}

// notFound is what an API server says to a path that it does not know.
func notFound(r *http.Request) *http.Response {
	answer := httptest.NewRecorder()
	http.Error(answer, "404 page not found", http.StatusNotFound)
	response := answer.Result()
	response.Request = r
	return response
}

// dropPostgres ends the sessions that are open.
func (e *effects) dropPostgres() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for session := range e.sessions {
		session.Close()
	}
}

func (e *effects) keepSession(session net.Conn) (forget func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sessions[session] = true
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.sessions, session)
	}
}

// seen returns how many passes over vaults began, and how many events were told.
func (e *effects) seen() (passes, events int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.looks, e.events
}

// restart lets everything through again and counts from zero; after n more effects (0: never) the operator is cut off.
func (e *effects) restart(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.made, e.cutAfter, e.cut = nil, n, make(chan struct{})
}

// whenCut returns what is closed when the operator is cut off.
func (e *effects) whenCut() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.cut
}

// note records one effect and reports whether the operator is cut off by it, after calling atCut.
func (e *effects) note(what string, atCut func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.made = append(e.made, what)
	if len(e.made) != e.cutAfter || isClosed(e.cut) {
		return false
	}
	atCut()
	close(e.cut)
	return true
}

// cutOff cuts the operator off now, wherever it is.
func (e *effects) cutOff() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !isClosed(e.cut) {
		close(e.cut)
	}
}

func (e *effects) isCut() bool { return isClosed(e.whenCut()) }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// since returns the effects after the first n.
func (e *effects) since(n int) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.made[n:])
}

func (e *effects) count() int { return len(e.since(0)) }

// roundTripper sits between the operator and the API server.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (e *effects) apiServer(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if e.isCut() {
			return nil, errCutOff
		}
		if e.isHidden(r) {
			return notFound(r), nil
		}
		leases := strings.Contains(r.URL.Path, "/leases/")
		if leases && e.isAway(lease) {
			return nil, errCutOff
		}
		resp, err := next.RoundTrip(r)
		if err == nil && r.URL.Query().Has("watch") {
			resp.Body = e.heard(path.Base(r.URL.Path), resp.Body)
		}
		if leases || e.justLooks(r) || err != nil || resp.StatusCode >= http.StatusBadRequest {
			return resp, err
		}
		if e.note(r.Method+" "+r.URL.Path, func() {}) {
			resp.Body.Close()
			return nil, errCutOff
		}
		return resp, nil
	})
}

// justLooks reports that a request changes no object that matters, and counts it.
func (e *effects) justLooks(r *http.Request) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if ok, _ := path.Match("/api/v1/namespaces/*", r.URL.Path); ok {
		e.looks++
	}
	told := strings.Contains(r.URL.Path, "/events")
	if told {
		e.events++
	}
	return told || !changes(r.Method)
}

func changes(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}

// objectStore serves in front of the object store at endpoint (host:port) and returns its own address.
func (e *effects) objectStore(t testing.TB, endpoint string) string {
	t.Helper()
	proxy := &httputil.ReverseProxy{
		// The Host is part of what the client signed: it stays.
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: endpoint})
			r.Out.Host = r.In.Host
		},
		ModifyResponse: func(resp *http.Response) error {
			r := resp.Request
			if changes(r.Method) && resp.StatusCode < http.StatusBadRequest && e.note(r.Method+" s3 "+r.URL.RequestURI(), func() {}) {
				return errCutOff
			}
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	listener := listen(t)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if e.isCut() || e.isAway(storeServer) {
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(fmt.Errorf("listen: %w", err))
	}
	return listener
}
