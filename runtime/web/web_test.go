package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/docvault/docvault/runtime/web"
)

type answer struct {
	*httptest.ResponseRecorder
	body string
}

func ask(t *testing.T, h http.Handler, path string, headers ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w, w.Body.String()}
}

func unpack(t *testing.T, packed string) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPageKnowsTheVault(t *testing.T) {
	t.Parallel()
	page := web.New(web.Facts{MaxUploadBytes: 12345, Token: true, Trash: true})
	answer := ask(t, page, "/documents/some")
	body := answer.body
	if !strings.Contains(body, `name="vault" content="{&#34;max_upload_bytes&#34;:12345,&#34;token&#34;:true,&#34;trash&#34;:true}"`) {
		t.Errorf("the page has no facts:\n%s", body)
	}
	policy := answer.Header().Get("Content-Security-Policy")
	if strings.Contains(policy, "unsafe") || !strings.HasPrefix(policy, "default-src 'none'") {
		t.Errorf("policy: %s", policy)
	}
	if got := answer.Header().Get("Cache-Control"); got != "no-cache" {
		t.Errorf("the page itself is kept without asking: %s", got)
	}
	if outside := regexp.MustCompile(`(?:src|href)="(?:[a-z]+:)?//`).FindString(body); outside != "" {
		t.Errorf("the page loads from elsewhere: %s", outside)
	}
	if again := ask(t, page, "/", "If-None-Match", answer.Header().Get("ETag")); again.Code != http.StatusNotModified {
		t.Errorf("the same page again: %d", again.Code)
	}
	if other := ask(t, web.New(web.Facts{MaxUploadBytes: 1}), "/"); other.Header().Get("ETag") == answer.Header().Get("ETag") {
		t.Error("a page with other facts has the same ETag")
	}
}

// maxScript is the promise of the page's decision, compressed.
const maxScript = 100_000

func TestFiles(t *testing.T) {
	t.Parallel()
	index := ask(t, web.New(web.Facts{}), "/").body
	scripts := 0
	for name, file := range web.New(web.Facts{}).Files() {
		plain := ask(t, file, name)
		body := plain.body
		packed := ask(t, file, name, "Accept-Encoding", "br, gzip")
		compressed := packed.body
		if unpack(t, compressed) != body || plain.Header().Get("ETag") == packed.Header().Get("ETag") || packed.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s is not the same, or not told apart, compressed", name)
		}
		if hashed := strings.HasPrefix(name, "/assets/"); hashed != strings.Contains(plain.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %s", name, plain.Header().Get("Cache-Control"))
		}
		if !strings.Contains(index, name) {
			t.Errorf("%s is not of this page: run make web", name)
		}
		if strings.HasSuffix(name, ".js") {
			scripts += len(compressed)
		}
		if kind := plain.Header().Get("Content-Type"); kind == "" || strings.HasPrefix(kind, "application/octet-stream") {
			t.Errorf("%s has the type %q", name, kind)
		}
	}
	if scripts == 0 || scripts > maxScript {
		t.Errorf("scripts have %d bytes, compressed", scripts)
	}
}
