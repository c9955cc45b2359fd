package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// answerWithin bounds a call that does not stream, so that a dependency which hangs is answered 503 instead of holding clients.
const answerWithin = 30 * time.Second

// methods are those that routes may have.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
}

// route is one row of the table: what it does and all that its users need to know.
type route struct {
	method, path string
	id           string // operationId
	summary      string
	description  string
	subject      string // what a 404 says was not found: "<subject> not found"

	params       []param // of the query
	strict       bool    // refuse parameters that are not in params
	body         any     // a value of the request body's type, nil: none is read
	form         bool    // the body is multipart/form-data, not JSON
	bodyOptional bool
	reply        any // a value of the JSON response's type, nil: none
	media        []string
	status       int   // of success
	also         []int // further statuses that are no problems
	refusal      []int // statuses of problems, beyond those that each route may answer
	open         bool  // needs no token
	streams      bool  // may take as long as the bytes flow, or as it takes

	answer handler                                    // the answer is `reply`, sent with `status`; or
	write  func(w http.ResponseWriter, c *call) error // it writes the answer itself
}

// handler does one call and returns what is sent as JSON.
type handler func(c *call) (any, error)

// call is one request with what the table said about it already checked.
type call struct {
	*http.Request
	query query
	w     http.ResponseWriter
}

// serve runs one route: gate, parameters, handler, answer.
func (a *api) serve(route route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.run(w, r, route); err != nil {
			a.fail(w, r, err, route.subject)
		}
	})
}

func (a *api) run(w http.ResponseWriter, r *http.Request, route route) error {
	if !route.open {
		if err := a.gate.check(r); err != nil {
			return err
		}
	}
	query, err := parseQuery(r.URL.RawQuery, route.params, route.strict)
	if err != nil {
		return err
	}
	if !route.streams {
		ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
		defer cancel()
		r = r.WithContext(ctx)
	}
	c := &call{Request: r, query: query, w: w}
	if route.write != nil {
		return route.write(w, c)
	}
	reply, err := route.answer(c)
	if err != nil {
		return err
	}
	writeJSON(w, route.status, reply)
	return nil
}

// unmatched answers what no route takes: 405 where another method would do, the page to a browser that goes there, for its views have
// paths of their own, else 404.
func (a *api) unmatched(w http.ResponseWriter, r *http.Request) {
	if isAPI(r.URL.Path) {
		if err := a.gate.check(r); err != nil {
			a.fail(w, r, err, "")
			return
		}
	}
	if allowed := a.methodsOf(r); len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		a.fail(w, r, errMethodNotAllowed(r.Method, allowed), "")
		return
	}
	if wantsPage(r) {
		a.page.ServeHTTP(w, r)
		return
	}
	a.fail(w, r, errNoSuchPath(), "")
}

// wantsPage tells a browser that opens an address from a program, and from the page asking for a file or for the API.
func wantsPage(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && !isAPI(r.URL.Path) &&
		strings.Contains(r.Header.Get("Accept"), "text/html")
}

func isAPI(path string) bool { return path == "/api" || strings.HasPrefix(path, "/api/") }

// methodsOf asks the mux which methods would have found a route for r's path.
func (a *api) methodsOf(r *http.Request) []string {
	var allowed []string
	for _, method := range methods {
		probe := &http.Request{Method: method, Host: r.Host, URL: r.URL}
		if _, pattern := a.mux.Handler(probe); pattern != "/" && pattern != "" {
			allowed = append(allowed, method)
		}
	}
	return allowed
}
