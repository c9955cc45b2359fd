package httpapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/runtimetest"
)

const nobody = "11111111-1111-4111-8111-111111111111"

func TestUnknownDocuments(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	for _, id := range []string{nobody, "not-an-id", "123", strings.Repeat("9", 500), "%20", "..%2f..", "{" + nobody + "}"} {
		for _, path := range []string{"", "/text", "/content", "/download-url"} {
			got := a.get(t, "/api/documents/"+id+path).want(t, id+path, 404, "not_found")
			var problem struct{ Detail string }
			if got.into(t, &problem); problem.Detail != "Document not found" {
				t.Errorf("the detail is %q", problem.Detail)
			}
		}
		a.delete(t, "/api/documents/"+id).want(t, "delete "+id, 404, "not_found")
		a.delete(t, "/api/documents/"+id+"?permanent=true").want(t, "delete "+id, 404, "not_found")
		a.send(t, "POST", "/api/documents/"+id+"/restore", "").want(t, "restore "+id, 404, "not_found")
		a.send(t, "POST", "/api/documents/"+id+"/classify", "").want(t, "classify "+id, 404, "not_found")
		a.send(t, "PATCH", "/api/topics/"+id, `{"name": "x"}`).want(t, "topic "+id, 404, "not_found")
		a.delete(t, "/api/topics/"+id).want(t, "topic "+id, 404, "not_found")
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	var empty docs
	a.get(t, "/api/documents").want(t, "empty list", 200, "").into(t, &empty)
	if empty.Documents == nil || empty.Total != 0 || !empty.TotalIsExact || empty.NextCursor != nil || *empty.Page != 1 {
		t.Errorf("the empty list is %+v", empty)
	}
	for i := range 5 {
		a.stored(t, fmt.Sprintf("%c.txt", 'e'-i), strings.Repeat("x", i+1))
	}
	for query, want := range map[string]string{
		"":                                         "a b c d e",
		"?sort=name&per_page=2":                    "a b",
		"?sort=name&per_page=2&page=3":             "e",
		"?sort=name&per_page=2&page=4":             "",
		"?sort=-size&min_size=2&max_size=4":        "b c d",
		"?status=ready":                            "",
		"?type=text&status=pending&sort=size":      "e d c b a",
		"?type=pdf":                                "",
		"?topic=unknown":                           "",
		"?untagged=1&sort=-name":                   "e d c b a",
		"?created_after=2000-01-01&sort=name":      "a b c d e",
		"?created_before=2000-01-01":               "",
		"?trashed=true":                            "",
		"?classification_status=pending&sort=name": "a b c d e",
		"?classification_status=failed":            "",
	} {
		if got := names(a.list(t, query)); got != want {
			t.Errorf("%s lists %q, want %q", query, got, want)
		}
	}
	for _, query := range []string{
		"?per_page=0", "?per_page=101", "?per_page=abc", "?page=501", "?page=1&cursor=x", "?cursor=junk", "?sort=relevance", "?sort=relevance&q=", "?status=x",
		"?classification_status=x",
	} {
		a.get(t, "/api/documents"+query).want(t, query, 400, "invalid_value")
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	for i := range 5 {
		a.read(t, a.stored(t, fmt.Sprintf("%c.txt", 'a'+i), strings.Repeat("x", i+1)+" a <b>heron</b> & more").ID)
	}
	list := a.list(t, "?q=herons+or+heron&per_page=2")
	if names(list) != "e d" || list.Total != 5 || !list.TotalIsExact || list.NextCursor == nil || *list.Page != 1 {
		t.Errorf("a search lists %+v", list)
	}
	first := list.Documents[0]
	if first.Score == nil || *first.Score <= 0 || first.Highlight == nil || !strings.Contains(*first.Highlight, "&lt;b&gt;<mark>heron</mark>&lt;/b&gt; &amp; more") {
		t.Errorf("an entry is %+v", first)
	}
	if plain := a.list(t, "?per_page=1").Documents[0]; plain.Score != nil || plain.Highlight != nil {
		t.Errorf("without a search an entry has %v, %v", plain.Score, plain.Highlight)
	}
	for query, want := range map[string]string{
		"?q=herons+or+heron&per_page=2&cursor=" + url.QueryEscape(*list.NextCursor): "c b",
		"?q=heron&per_page=2&page=3":                              "a",
		"?q=heron&sort=size":                                      "a b c d e",
		"?q=heron&sort=name&min_size=26&type=text&status=ready":   "d e",
		"?q=heron&topic=none":                                     "",
		"?q=heron&untagged=1&sort=-name&created_after=2020-01-01": "e d c b a",
		"?q=heron;&created_after=2020-01-01t00:00:00z":            "e d c b a",
		"?q=heron&trashed=1":                                      "",
		"?q=heorn":                                                "",
		"?q=%22":                                                  "",
		"?q=-heron":                                               "",
		"?q=":                                                     "e d c b a",
		"?q=" + strings.Repeat("x", 10_000):                       "",
	} {
		if got := names(a.list(t, query)); got != want {
			t.Errorf("%s lists %q, want %q", query[:min(len(query), 60)], got, want)
		}
	}
	a.get(t, "/api/documents?q=%00").want(t, "NUL", 400, "invalid_text")
	a.get(t, "/api/documents?q=%ff").want(t, "no UTF-8", 400, "invalid_text")
	a.get(t, "/api/documents?q=a&sort=name&cursor="+*list.NextCursor).want(t, "the cursor of another sort", 400, "invalid_value")
	a.get(t, "/api/documents?q=a&sort=-created_at&cursor="+*list.NextCursor).want(t, "the cursor of another search", 400, "invalid_value")
}

func TestListByCursor(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	for i := range 7 {
		a.stored(t, fmt.Sprintf("%c.txt", 'a'+i), fmt.Sprintf("document %d", i))
	}
	var seen []string
	query := "?sort=name&per_page=3"
	for range 4 {
		list := a.list(t, query)
		seen = append(seen, names(list))
		if list.NextCursor == nil {
			break
		}
		query = "?sort=name&per_page=3&cursor=" + url.QueryEscape(*list.NextCursor)
	}
	if got := strings.Join(seen, "|"); got != "a b c|d e f|g" {
		t.Errorf("cursors led through %q", got)
	}
}

func (a *app) list(t *testing.T, query string) docs {
	t.Helper()
	var list docs
	a.get(t, "/api/documents"+query).want(t, "list "+query, 200, "").into(t, &list)
	return list
}

func names(list docs) string {
	short := make([]string, len(list.Documents))
	for i, d := range list.Documents {
		short[i] = strings.TrimSuffix(d.OriginalName, ".txt")
	}
	return strings.Join(short, " ")
}

func TestTrash(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	d := a.stored(t, "a.txt", "to be deleted")
	path := "/api/documents/" + d.ID
	a.delete(t, path).want(t, "into the trash", 204, "")
	a.get(t, path).want(t, "in the trash", 404, "not_found")
	a.get(t, path+"/content").want(t, "in the trash", 404, "not_found")
	a.delete(t, path).want(t, "into the trash again", 404, "not_found")
	if got := names(a.list(t, "?trashed=true")); got != "a" || a.list(t, "").Total != 0 {
		t.Errorf("the trash holds %q", got)
	}
	a.send(t, "POST", path+"/restore", "").want(t, "restore", 200, "")
	a.get(t, path).want(t, "restored", 200, "")

	a.delete(t, path).want(t, "into the trash", 204, "")
	if again := a.stored(t, "a.txt", "to be deleted"); again.ID != d.ID || !again.Duplicate {
		t.Errorf("uploading what is in the trash gave %+v", again)
	}
	a.delete(t, path+"?permanent=perhaps").want(t, "a bad word for yes", 400, "invalid_value")
	a.delete(t, path+"?permanent=true").want(t, "for good", 204, "")
	a.send(t, "POST", path+"/restore", "").want(t, "restore what is gone", 404, "not_found")
	a.holdsNothing(t)
}

// TestContentSaysItsEncoding, or browsers would guess.
func TestContentSaysItsEncoding(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	for text, want := range map[string]string{
		"plain": "utf-8", "Ärger": "utf-8", "\xef\xbb\xbfmarked": "utf-8", "\xc4rger": "windows-1252",
		"\xff\xfeA\x00b\x00": "utf-16", strings.Repeat("ü", 50_000): "utf-8", "x" + strings.Repeat("ü", 50_000): "utf-8",
	} {
		path := "/api/documents/" + a.stored(t, "a.txt", text).ID + "/content"
		content := a.get(t, path).want(t, want, 200, "")
		if got := content.Header.Get("Content-Type"); got != "text/plain; charset="+want || string(content.body) != text {
			t.Errorf("%.20q: %s, %d bytes", text, got, len(content.body))
		}
	}
}

func TestContent(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	d := a.stored(t, "naïve.txt", "0123456789")
	path := "/api/documents/" + d.ID + "/content"

	whole := a.get(t, path).want(t, "whole", 200, "")
	etag := `"` + d.SHA256 + `"`
	for name, want := range map[string]string{
		"ETag": etag, "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff", "Accept-Ranges": "bytes", "Content-Length": "10",
		"Content-Disposition": `inline; filename="na_ve.txt"; filename*=UTF-8''na%C3%AFve.txt`,
	} {
		if got := whole.Header.Get(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if policy := whole.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "sandbox") {
		t.Errorf("the policy is %q", policy)
	}
	if got := a.get(t, path+"?download=1").Header.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment;") {
		t.Errorf("download=1 is %s", got)
	}
	a.get(t, path+"?download=perhaps").want(t, "a bad word for yes", 400, "invalid_value")

	part := a.get(t, path, "Range", "bytes=2-4").want(t, "range", 206, "")
	if string(part.body) != "234" || part.Header.Get("Content-Range") != "bytes 2-4/10" {
		t.Errorf("the range is %q, %s", part.body, part.Header.Get("Content-Range"))
	}
	if tail := a.get(t, path, "Range", "bytes=-3").want(t, "tail", 206, ""); string(tail.body) != "789" {
		t.Errorf("the tail is %q", tail.body)
	}
	many := "bytes=0-0" + strings.Repeat(",2-2", 20)
	a.get(t, path, "Range", many).want(t, "more ranges than are worth it", 200, "")
	a.get(t, path, "Range", "bytes=2-4", "If-Range", `"another"`).want(t, "range of another version", 200, "")
	a.get(t, path, "If-Match", `"another"`).want(t, "a condition that does not hold", 412, "precondition_failed")
	beyond := a.get(t, path, "Range", "bytes=10-").want(t, "beyond the end", 416, "range_not_satisfiable")
	if got := beyond.Header.Get("Content-Range"); got != "bytes */10" {
		t.Errorf("Content-Range: %s", got)
	}
	a.get(t, path, "If-None-Match", etag).want(t, "what the client has", 304, "")
	head := fetch(t, a.client, http.MethodHead, a.url(path), nil).want(t, "HEAD", 200, "")
	if head.ContentLength != 10 || len(head.body) != 0 {
		t.Errorf("HEAD gives %d bytes of %d", len(head.body), head.ContentLength)
	}

	text := a.get(t, "/api/documents/"+a.read(t, d.ID).ID+"/text", "Range", "bytes=0-3").want(t, "text", 206, "")
	if string(text.body) != "0123" || text.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("the text is %q, %s", text.body, text.Header.Get("Content-Type"))
	}
}

func TestRanges(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	d := a.stored(t, "a.txt", "0123456789")
	path := "/api/documents/" + d.ID
	a.read(t, d.ID)
	empty := a.stored(t, "empty.txt", " ")
	a.read(t, empty.ID)
	for asked, want := range map[string]string{ // empty: the whole, *: none
		"bytes=0-4": "01234", "Bytes=0-4": "01234", "BYTES=-2": "89", "bytes=7-99999999999999999999": "789", "bytes= 7 - 8 ": "78",
		"bytes=-99999999999999999999": "0123456789", "bytes=-0, 0-1": "01", "bytes=12-,0-1": "01",
		"items=0-4": "", "pages": "", "bytes": "", "=0-4": "",
		"bytes=-0": "*", "bytes=-000": "*", "bytes=10-": "*", "bytes=99999999999999999999-": "*",
		"bytes=4-2": "*", "bytes=x": "*", "bytes=-": "*", "bytes=0-1,x": "*", "bytes=--1": "*",
	} {
		for _, of := range []string{"/content", "/text"} {
			switch got := a.get(t, path+of, "Range", asked); want {
			case "":
				if got.want(t, asked+of, 200, ""); string(got.body) != "0123456789" {
					t.Errorf("%s of %s is %q", asked, of, got.body)
				}
			case "*":
				if got.want(t, asked+of, 416, "range_not_satisfiable"); got.Header.Get("Content-Range") != "bytes */10" {
					t.Errorf("%s of %s: Content-Range %q", asked, of, got.Header.Get("Content-Range"))
				}
			default:
				if got.want(t, asked+of, 206, ""); string(got.body) != want {
					t.Errorf("%s of %s is %q, want %q", asked, of, got.body, want)
				}
			}
			head := fetch(t, a.client, http.MethodHead, a.url(path+of), nil, "Range", asked).want(t, "HEAD of "+asked+of, 200, "")
			if head.ContentLength != 10 || head.Header.Get("Content-Range") != "" {
				t.Errorf("HEAD of %s%s: %d bytes, %q", asked, of, head.ContentLength, head.Header.Get("Content-Range"))
			}
		}
		a.get(t, "/api/documents/"+empty.ID+"/text", "Range", asked).want(t, asked+" of nothing", 200, "")
	}
}

func TestDownloadURL(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	d := a.stored(t, `say %22hi%22, ünïcode.txt`, "linked")
	path := "/api/documents/" + d.ID + "/download-url"
	var link struct {
		URL       string
		ExpiresAt time.Time `json:"expires_at"`
	}
	a.get(t, path+"?expires_minutes=5").want(t, "link", 200, "").into(t, &link)
	if left := time.Until(link.ExpiresAt); left < 4*time.Minute || left > 5*time.Minute {
		t.Errorf("the link works for %s", left)
	}
	got := fetch(t, http.DefaultClient, http.MethodGet, link.URL, nil)
	if got.StatusCode != http.StatusOK || string(got.body) != "linked" ||
		!strings.HasPrefix(got.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the link gives %d %q %v", got.StatusCode, got.body, got.Header)
	}
	for _, query := range []string{"?expires_minutes=0", "?expires_minutes=1441", "?expires_minutes=soon"} {
		a.get(t, path+query).want(t, query, 400, "invalid_value")
	}
}

// TestUnreadable stores what can never be read: it is taken, and ends as failed with the reason.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	locked, err := os.ReadFile("../extract/testdata/needs-password.pdf")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, content, code string }{
		{"junk.pdf", "%PDF-1.7\n" + strings.Repeat("this is no PDF ", 100), "malformed"},
		{"locked.pdf", string(locked), "password_required"},
	} {
		d := a.stored(t, c.name, c.content)
		if d.MIMEType != "application/pdf" {
			t.Errorf("%s: its type is %s", c.name, d.MIMEType)
		}
		if read := a.read(t, d.ID); read.Status != "failed" || read.Error == nil || read.Error.Code != c.code || read.Error.Detail == "" {
			t.Errorf("%s ended as %s, %+v, want %s", c.name, read.Status, read.Error, c.code)
		}
	}
}

// TestStoreAway takes the object store away and gives it back.
func TestStoreAway(t *testing.T) {
	t.Parallel()
	parts := runtimetest.NewApp(t)
	proxy := parts.ProxyStore(t)
	a := serve(t, parts)
	d := a.stored(t, "before.txt", "before")

	proxy.Refuse()
	if away := a.upload(t, file("a.txt", "text")).want(t, "upload", 503, "unavailable"); away.Header.Get("Retry-After") == "" {
		t.Error("a 503 does not say when to come back")
	}
	a.get(t, "/api/documents/"+d.ID+"/content").want(t, "content", 503, "unavailable")
	a.get(t, "/api/documents/"+d.ID).want(t, "the document without its bytes", 200, "")
	a.get(t, "/readyz").want(t, "ready", 200, "")

	proxy.Resume()
	a.stored(t, "a.txt", "text")
	a.get(t, "/api/documents/"+d.ID+"/content").want(t, "content", 200, "")
}

// TestDependenciesAway takes Redis, then the database away: what does not need them works, the rest says to come back.
func TestDependenciesAway(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.get(t, "/readyz").want(t, "ready", 200, "")
	d := a.stored(t, "before.txt", "before")

	a.Redis.Kill(t)
	a.stored(t, "during.txt", "Redis is away, and an upload waits for the sweeper")
	a.get(t, "/readyz").want(t, "ready without Redis", 200, "")
	var health struct {
		Status string
		Checks map[string]string
	}
	a.get(t, "/health").want(t, "health", 200, "").into(t, &health)
	if health.Status != "degraded" || health.Checks["postgres"] != "ok" || !strings.HasPrefix(health.Checks["redis"], "error: ") {
		t.Errorf("health without Redis: %+v", health)
	}

	a.Store.Close()
	away := a.get(t, "/api/documents/"+d.ID).want(t, "a document without the database", 503, "unavailable")
	if away.Header.Get("Retry-After") == "" {
		t.Error("a 503 does not say when to come back")
	}
	a.get(t, "/readyz").want(t, "ready without the database", 503, "unavailable")
	a.get(t, "/livez").want(t, "live without the database", 200, "")
}
