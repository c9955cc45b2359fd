package httpapi_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/httpapi"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/runtime/vault"
)

// TestMain lets the vault read documents: its reader is this program, started once more.
func TestMain(m *testing.M) {
	runtimetest.Child()
	m.Run()
}

// answer is a response whose body has been read.
type answer struct {
	*http.Response
	body []byte
}

// into reads the body as JSON.
func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("read the answer: %v\n%s", err, a.body)
	}
}

// code is the problem's code, or empty.
func (a answer) code() string {
	var problem struct{ Code string }
	if a.Header.Get("Content-Type") != "application/problem+json" || json.Unmarshal(a.body, &problem) != nil {
		return ""
	}
	return problem.Code
}

// fault is what a problem says is wrong.
type fault struct{ Code, Field, Detail string }

func (a answer) problem(t *testing.T) (p fault) {
	t.Helper()
	a.into(t, &p)
	return p
}

// want checks status and code; code is empty for what is no problem.
func (a answer) want(t *testing.T, about string, status int, code string) answer {
	t.Helper()
	if a.StatusCode != status || a.code() != code {
		t.Fatalf("%s: %d %q, want %d %q\n%s", about, a.StatusCode, a.code(), status, code, a.body)
	}
	return a
}

func fetch(t *testing.T, client *http.Client, method, url string, body io.Reader, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("read the answer to %s %s: %v", method, url, err)
	}
	return answer{response, read}
}

// maxUpload is small, so that a test can exceed it.
const maxUpload = 2 << 20

// app is a whole API on real servers, and a client that holds every answer against the API's own document.
type app struct {
	*runtimetest.App

	server   *httptest.Server
	client   *http.Client
	contract *contract
}

func newApp(t *testing.T) *app {
	t.Helper()
	return serve(t, runtimetest.NewApp(t))
}

// serve makes an API of a vault's parts, as they are now.
func serve(t *testing.T, parts *runtimetest.App) *app {
	t.Helper()
	a := &app{App: parts}
	a.Rules.MaxUploadBytes = maxUpload
	a.Vault = a.Another(t)
	a.server = httptest.NewServer(httpapi.New(a.Vault, httpapi.Config{
		MaxUploadBytes: maxUpload, Version: "test", Logger: a.Log.Logger(), Metrics: prometheus.NewRegistry(),
	}))
	t.Cleanup(a.server.Close)
	a.contract = readContract(t, a.server.URL)
	a.client = &http.Client{Transport: a.contract}
	return a
}

// read lets the vault read a document, as a worker does, and returns what it has become.
func (a *app) read(t *testing.T, id string) doc {
	t.Helper()
	parsed, err := document.ParseID(id)
	if err != nil {
		t.Fatal(err)
	}
	if outcome, err := a.Extract(t.Context(), parsed, 1); err != nil || outcome != vault.Done && outcome != vault.Failed {
		t.Fatalf("reading the document ended %q, %v", outcome, err)
	}
	var d doc
	a.get(t, "/api/documents/"+id).want(t, "the document that was read", http.StatusOK, "").into(t, &d)
	return d
}

func (a *app) url(path string) string { return a.server.URL + path }

func (a *app) get(t *testing.T, path string, headers ...string) answer {
	t.Helper()
	return fetch(t, a.client, http.MethodGet, a.url(path), nil, headers...)
}

func (a *app) delete(t *testing.T, path string) answer {
	t.Helper()
	return fetch(t, a.client, http.MethodDelete, a.url(path), nil)
}

func (a *app) send(t *testing.T, method, path, body string) answer {
	t.Helper()
	return fetch(t, a.client, method, a.url(path), strings.NewReader(body), "Content-Type", "application/json")
}

// boundary is that of every form which the tests write.
const boundary = "a-boundary"

// field writes a part of a form as it goes over the wire.
func field(disposition, content string) string {
	return "--" + boundary + "\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\n" + content + "\r\n"
}

func file(name, content string) string { return field(`name="file"; filename="`+name+`"`, content) }

const closing = "--" + boundary + "--\r\n"

// upload sends a form of these parts, closed.
func (a *app) upload(t *testing.T, parts ...string) answer {
	t.Helper()
	return a.uploadRaw(t, strings.Join(parts, "")+closing)
}

func (a *app) uploadRaw(t *testing.T, body string) answer {
	t.Helper()
	return fetch(t, a.client, http.MethodPost, a.url("/api/documents/upload"), bytes.NewBufferString(body),
		"Content-Type", "multipart/form-data; boundary="+boundary)
}

// stored uploads a file that must be taken.
func (a *app) stored(t *testing.T, name, content string) doc {
	t.Helper()
	var d doc
	a.upload(t, file(name, content)).want(t, "upload of "+name, http.StatusOK, "").into(t, &d)
	return d
}

// doc is what clients read of a document.
type doc struct {
	ID, Status, Language, SHA256 string
	OriginalName                 string `json:"original_name"`
	MIMEType                     string `json:"mime_type"`
	Size                         int64
	Duplicate                    bool
	Topics                       []string
	ExtractedText                string `json:"extracted_text"`
	Error                        *struct{ Code, Detail string }
	Classification               struct{ Status string }
	Score                        *float64
	Highlight                    *string
}

type docs struct {
	Documents    []doc
	Total        int64
	TotalIsExact bool    `json:"total_is_exact"`
	Page         *int    `json:"page"`
	NextCursor   *string `json:"next_cursor"`
}
