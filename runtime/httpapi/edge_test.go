package httpapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/docvault/docvault/runtime/telemetry"
	"github.com/docvault/docvault/runtime/vault"
)

// edge is an API of which only what stands before the vault is asked.
type edge struct {
	*httptest.Server
	log      *lockedBuffer
	registry *prometheus.Registry
}

func newEdge(t *testing.T, config Config) *edge {
	t.Helper()
	e := &edge{log: &lockedBuffer{}, registry: prometheus.NewRegistry()}
	config.Logger = slog.New(telemetry.LogHandler(slog.NewJSONHandler(e.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	config.Metrics = e.registry
	e.Server = httptest.NewServer(New(&vault.Vault{}, config))
	t.Cleanup(e.Close)
	return e
}

// ask sends one request; headers are name, value, name, value.
func (e *edge) ask(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, e.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	response, err := e.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	a := answer{Response: response}
	if response.Header.Get("Content-Type") == "application/problem+json" {
		if err := json.NewDecoder(response.Body).Decode(&a.problem); err != nil {
			t.Fatalf("read the problem: %v", err)
		}
	}
	return a
}

type answer struct {
	*http.Response
	problem problem
}

func (a answer) want(t *testing.T, about string, status int, code string) {
	t.Helper()
	if a.StatusCode != status || a.problem.Code != code || code != "" && a.problem.Status != status {
		t.Errorf("%s: %d %q, want %d %q", about, a.StatusCode, a.problem.Code, status, code)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestWhatNoRouteTakes(t *testing.T) {
	t.Parallel()
	e := newEdge(t, Config{})
	e.ask(t, "GET", "/nothing", "").want(t, "unknown path", 404, "not_found")
	e.ask(t, "GET", "/api/documents/", "").want(t, "trailing slash", 404, "not_found")
	e.ask(t, "BREW", "/livez", "").want(t, "unknown method", 405, "method_not_allowed")
	e.ask(t, "GET", "/api/documents/not-a-uuid", "").want(t, "malformed id", 404, "not_found")
	e.ask(t, "GET", "/api/documents/%2e%2e%2fetc", "").want(t, "path as id", 404, "not_found")
	e.ask(t, "GET", "/api/documents/a%00b", "").want(t, "NUL in the path", 400, "invalid_text")
	e.ask(t, "GET", "/api/documents/%ff", "").want(t, "no UTF-8 in the path", 400, "invalid_text")
	e.ask(t, "GET", "/api/documents?topic=%00", "").want(t, "NUL in the query", 400, "invalid_text")
	e.ask(t, "GET", "/api/documents?%c3%28=1", "").want(t, "no UTF-8 in the query", 400, "invalid_text")
	e.ask(t, "HEAD", "/livez", "").want(t, "HEAD", 200, "")

	refused := e.ask(t, "PUT", "/api/topics", "{}")
	refused.want(t, "a method that the path does not take", 405, "method_not_allowed")
	if allow := refused.Header.Get("Allow"); allow != "GET, HEAD, POST" {
		t.Errorf("Allow: %s", allow)
	}
}

// TestPage asks for the page as browsers do: under each of its addresses, and never where the API is.
func TestPage(t *testing.T) {
	t.Parallel()
	e := newEdge(t, Config{APIToken: "a token"})
	const browser = "text/html,application/xhtml+xml,*/*;q=0.8"
	for _, path := range []string{"/", "/topics", "/documents/4f0c1d7e-0000-4000-8000-000000000000", "/nothing"} {
		page := e.ask(t, "GET", path, "", "Accept", browser)
		if page.StatusCode != http.StatusOK || page.Header.Get("Content-Type") != "text/html; charset=utf-8" || page.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %d %v", path, page.StatusCode, page.Header)
		}
	}
	e.ask(t, "GET", "/", "").want(t, "the page for whoever asks", 200, "")
	e.ask(t, "HEAD", "/topics", "", "Accept", browser).want(t, "HEAD of a view", 200, "")
	e.ask(t, "POST", "/", "", "Accept", browser).want(t, "POST", 405, "method_not_allowed")
	e.ask(t, "GET", "/api/nothing", "", "Accept", browser).want(t, "below the API", 401, "unauthorized")
	e.ask(t, "GET", "/assets/of-an-older-page.js", "", "Accept", "*/*").want(t, "a file that is gone", 404, "not_found")
	if got := e.counted(t, "unmatched", "GET", "200"); got != 3 {
		t.Errorf("counted %v views, want 3", got)
	}
	if docs := e.ask(t, "GET", "/docs", "", "Accept", browser); !strings.Contains(docs.Header.Get("Content-Security-Policy"), "style-src 'sha256-") {
		t.Error("the page took the place of /docs")
	}
}

func TestTokenAndSession(t *testing.T) {
	t.Parallel()
	const token = "correct horse battery staple"
	e := newEdge(t, Config{APIToken: token})

	nobody := e.ask(t, "GET", "/api/topics", "")
	nobody.want(t, "no token", 401, "unauthorized")
	if !strings.HasPrefix(nobody.Header.Get("WWW-Authenticate"), "Bearer") {
		t.Error("a 401 does not say how to authenticate")
	}
	e.ask(t, "GET", "/api/nothing", "").want(t, "no token, no route", 401, "unauthorized")
	e.ask(t, "GET", "/api/nothing", "", "Authorization", "bearer "+token).want(t, "token, no route", 404, "not_found")
	e.ask(t, "GET", "/openapi.json", "").want(t, "open", 200, "")
	e.ask(t, "GET", "/docs", "").want(t, "open", 200, "")
	e.ask(t, "GET", "/livez", "").want(t, "open", 200, "")

	start := time.Now()
	e.ask(t, "GET", "/api/topics", "", "Authorization", "Bearer "+token+"x").want(t, "wrong token", 401, "unauthorized")
	if took := time.Since(start); took < wrongTokenDelay {
		t.Errorf("a wrong token was answered after %s", took)
	}
	e.login(t, `{"token": "wrong"}`).want(t, "wrong token for a session", 401, "unauthorized")

	session := e.login(t, `{"token": "`+token+`"}`)
	session.want(t, "login", 204, "")
	cookie := session.Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Secure || strings.Contains(cookie.Value, token) {
		t.Errorf("the session's cookie is %s", cookie)
	}
	e.ask(t, "GET", "/api/nothing", "", "Cookie", cookie.Name+"=9"+cookie.Value).want(t, "forged session", 401, "unauthorized")

	ended := e.ask(t, "DELETE", "/api/session", "").Cookies()[0]
	if ended.MaxAge >= 0 || ended.Name != cookie.Name {
		t.Errorf("logging out set %s", ended)
	}
	secure := e.ask(t, "POST", "/api/session", `{"token": "`+token+`"}`, "Content-Type", "application/json", "X-Forwarded-Proto", "https")
	if !secure.Cookies()[0].Secure {
		t.Error("behind TLS the cookie is not Secure")
	}
	if strings.Contains(e.log.String(), token) {
		t.Error("the token is in the log")
	}
}

func (e *edge) login(t *testing.T, body string) answer {
	t.Helper()
	return e.ask(t, "POST", "/api/session", body, "Content-Type", "application/json")
}

func TestSessionsEndByThemselves(t *testing.T) {
	t.Parallel()
	g, now := newGate("token", nil), time.Now()
	valid := func(g *gate, value string, at time.Time) bool {
		_, ok := g.session(value, at)
		return ok
	}
	value := g.newSession(now.Add(time.Minute))
	if !valid(g, value, now) || valid(g, value, now.Add(time.Hour)) {
		t.Error("a session is not valid for as long as it lasts")
	}
	if valid(newGate("another", nil), value, now) {
		t.Error("a session outlives its token")
	}
	stamp := strconv.FormatInt(now.Add(time.Minute).Unix(), 10)
	if old := stamp + "." + base64.RawURLEncoding.EncodeToString(g.sign("session:"+stamp)); !valid(g, old, now) || valid(g, old, now.Add(time.Hour)) {
		t.Error("a session of an earlier release is not valid for as long as it lasts")
	}
	for _, junk := range []string{"", ".", "..", stamp, stamp + ".", "9" + value, value + ".", value[:len(value)-5]} {
		if valid(g, junk, now) {
			t.Errorf("%q is a session", junk)
		}
	}
}

// TestManyWrongTokens fills the places of those who wait: a wrong token is turned away at once, the right one is let in.
func TestManyWrongTokens(t *testing.T) {
	t.Parallel()
	g := newGate("right", nil)
	for range wrongTokensAtOnce {
		g.waiting <- struct{}{}
	}
	with := func(token string) *http.Request {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/topics", http.NoBody)
		r.Header.Set("Authorization", "Bearer "+token)
		return r
	}
	if err := g.check(with("right")); err != nil {
		t.Errorf("the right token in a flood: %v", err)
	}
	if p := asProblem(g.check(with("wrong")), ""); p.Status != http.StatusTooManyRequests || p.retryAfter == 0 || !p.hangUp {
		t.Errorf("a wrong token too many: %+v", p)
	}
	<-g.waiting
	if p := asProblem(g.check(with("wrong")), ""); p.Status != http.StatusUnauthorized || len(g.waiting) != wrongTokensAtOnce-1 {
		t.Errorf("a wrong token with room to wait: %+v, %d wait", p, len(g.waiting))
	}
}

func TestCrossSiteRequests(t *testing.T) {
	t.Parallel()
	const friend = "https://app.example.com"
	e := newEdge(t, Config{AllowedOrigins: []string{friend}})

	e.ask(t, "DELETE", "/api/session", "", "Sec-Fetch-Site", "cross-site").want(t, "another site", 403, "cross_site")
	e.ask(t, "DELETE", "/api/session", "", "Origin", "https://evil.example").want(t, "another origin", 403, "cross_site")
	e.ask(t, "DELETE", "/api/session", "", "Origin", e.URL).want(t, "own origin", 204, "")
	e.ask(t, "DELETE", "/api/session", "", "Sec-Fetch-Site", "cross-site", "Origin", friend).want(t, "allowed origin", 204, "")
	e.ask(t, "GET", "/livez", "", "Sec-Fetch-Site", "cross-site").want(t, "a link from another site", 200, "")

	preflight := e.ask(t, "OPTIONS", "/api/topics", "", "Origin", friend, "Access-Control-Request-Method", "PATCH")
	preflight.want(t, "preflight", 204, "")
	if preflight.Header.Get("Access-Control-Allow-Origin") != friend ||
		!strings.Contains(preflight.Header.Get("Access-Control-Allow-Methods"), "PATCH") {
		t.Errorf("preflight of an allowed origin: %v", preflight.Header)
	}
	stranger := e.ask(t, "GET", "/livez", "", "Origin", "https://evil.example")
	if stranger.Header.Get("Access-Control-Allow-Origin") != "" || stranger.Header.Get("Vary") != "Origin" {
		t.Errorf("answer to a stranger: %v", stranger.Header)
	}
}

func TestAllowedHosts(t *testing.T) {
	t.Parallel()
	e := newEdge(t, Config{AllowedHosts: []string{"vault.example.com", "*.internal"}})
	for host, status := range map[string]int{
		"vault.example.com": 200, "VAULT.example.com:8443": 200, "vault.example.com.": 200, "a.b.internal:80": 200,
		"internal": 400, "evil.example": 400, "vault.example.com.evil.example": 400, "127.0.0.1": 400, "[::1]:80": 400,
	} {
		if got := e.ask(t, "GET", "/openapi.json", "", "Host", host).StatusCode; got != status {
			t.Errorf("host %s: %d, want %d", host, got, status)
		}
	}
	e.ask(t, "GET", "/livez", "", "Host", "10.1.2.3:8000").want(t, "a probe by address", 200, "")
}

func TestRequestsAreLoggedAndCounted(t *testing.T) {
	t.Parallel()
	e := newEdge(t, Config{})
	if id := e.ask(t, "GET", "/nothing", "", "X-Request-ID", "edge-7").Header.Get("X-Request-ID"); id != "edge-7" {
		t.Errorf("the request's id became %q", id)
	}
	made := e.ask(t, "GET", "/nothing?secret=hunter2", "", "X-Request-ID", "no good\tid").Header.Get("X-Request-ID")
	if len(made) != 36 {
		t.Errorf("a bad id became %q", made)
	}
	e.ask(t, "BREW", "/api/documents/x", "")
	for _, want := range []string{`"request_id":"edge-7"`, made, `"status":404`} {
		if !strings.Contains(e.log.String(), want) {
			t.Errorf("the log has no %s", want)
		}
	}
	if strings.Contains(e.log.String(), "hunter2") {
		t.Error("the log has the query")
	}
	if got := e.counted(t, "unmatched", "GET", "404"); got != 2 {
		t.Errorf("counted %v requests, want 2", got)
	}
	if got := e.counted(t, "unmatched", "other", "405"); got != 1 {
		t.Errorf("counted %v requests of an unknown method, want 1", got)
	}
}

// TestLogSaysDurations in words, as all of this program's logs do: a number would leave open of what.
func TestLogSaysDurations(t *testing.T) {
	t.Parallel()
	e := newEdge(t, Config{})
	e.ask(t, "GET", "/nothing", "", "X-Request-ID", "timed")
	var line struct {
		ID       string `json:"request_id"`
		Message  string `json:"msg"`
		Duration any    `json:"duration"`
	}
	for text := range strings.Lines(e.log.String()) {
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if line.ID == "timed" && line.Message == "request" {
			break
		}
	}
	said, _ := line.Duration.(string)
	if took, err := time.ParseDuration(said); err != nil || took < 0 || took > time.Minute || took%(10*time.Microsecond) != 0 {
		t.Errorf("the duration is %v", line.Duration)
	}
}

// TestDocsNameBodies: one that has a schema is linked to it, of another the fields are named, and nothing is left dangling.
func TestDocsNameBodies(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	New(&vault.Vault{}, Config{Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()}).
		ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/docs", http.NoBody))
	page := w.Body.String()
	bodies := regexp.MustCompile(`<p>Body: (.*)</p>`).FindAllStringSubmatch(page, -1)
	if len(bodies) < 10 {
		t.Fatalf("the page tells of %d bodies", len(bodies))
	}
	linked := regexp.MustCompile(`^(?:application/json|multipart/form-data), <a href="#(\w+)">(\w+)</a>$`)
	named := 0
	for _, body := range bodies {
		link := linked.FindStringSubmatch(body[1])
		switch {
		case link == nil && body[1] == "application/json, with active_provider, providers, system_prompt":
			named++
		case link == nil:
			t.Errorf("the page says of a body %q", body[1])
		case link[1] != link[2], !strings.Contains(page, `<article id="`+link[1]+`">`):
			t.Errorf("%s leads nowhere", body[1])
		}
	}
	if named != 1 {
		t.Errorf("%d bodies have their fields named", named)
	}
}

func (e *edge) counted(t *testing.T, route, method, status string) float64 {
	t.Helper()
	families, err := e.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			labels := map[string]string{}
			for _, label := range metric.GetLabel() {
				labels[label.GetName()] = label.GetValue()
			}
			if family.GetName() == "docvault_http_requests_total" &&
				labels["route"] == route && labels["method"] == method && labels["status"] == status {
				return metric.GetCounter().GetValue()
			}
		}
	}
	return 0
}
