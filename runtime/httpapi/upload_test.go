package httpapi_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/docvault/docvault/runtime/httpapi"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/runtime/vault"
)

func TestUpload(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	const content = "Invoice 42: three barrels of ink.\n"
	d := a.stored(t, `C:\letters\%22ink%22.txt`, content)
	sum := sha256.Sum256([]byte(content))
	if d.OriginalName != `"ink".txt` || d.Size != int64(len(content)) || d.SHA256 != hex.EncodeToString(sum[:]) ||
		d.Status != "pending" || d.Classification.Status != "pending" || d.Duplicate {
		t.Errorf("stored as %+v", d)
	}
	again := a.stored(t, "other name.txt", content)
	if again.ID != d.ID || !again.Duplicate || again.OriginalName != d.OriginalName {
		t.Errorf("the same bytes again gave %+v", again)
	}
	if got := a.get(t, "/api/documents/"+d.ID+"/content").want(t, "content", 200, ""); string(got.body) != content {
		t.Errorf("the content is %q", got.body)
	}
	if read := a.read(t, d.ID); read.Status != "ready" || strings.TrimSpace(read.ExtractedText) != strings.TrimSpace(content) {
		t.Errorf("read as %+v", read)
	}
}

// TestUploadFields gives auto_classify before and after the file, in all its spellings.
func TestUploadFields(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	for i, c := range []struct{ value, want string }{
		{"true", "pending"},
		{"1", "pending"},
		{"YES", "pending"},
		{"on", "pending"},
		{"false", "none"},
		{"0", "none"},
		{"no", "none"},
		{"Off", "none"},
	} {
		for j, parts := range [][]string{
			{file("a.txt", fmt.Sprintf("text %d", i)), field(`name="auto_classify"`, c.value)},
			{field(`name="auto_classify"`, c.value), field(`name="comment"`, "ignored"), file("a.txt", fmt.Sprintf("other text %d", i))},
		} {
			var d doc
			a.upload(t, parts...).want(t, c.value, 200, "").into(t, &d)
			if d.Classification.Status != c.want {
				t.Errorf("auto_classify=%s in order %d: classification %s, want %s", c.value, j, d.Classification.Status, c.want)
			}
		}
	}
}

func TestUploadNames(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	for i, c := range []struct{ sent, want string }{
		{"../../etc/passwd", "passwd"},
		{"say %22hi%22%0D%0A.txt", `say "hi".txt`},
		{strings.Repeat("é", 400), strings.Repeat("é", 127)},
		{"概要.txt", "概要.txt"},
		{"", "unnamed"},
	} {
		if d := a.stored(t, c.sent, fmt.Sprintf("names %d", i)); d.OriginalName != c.want {
			t.Errorf("%q was stored as %q, want %q", c.sent, d.OriginalName, c.want)
		}
	}
}

func TestBadUploads(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	good, yes := file("a.txt", "good text"), field(`name="auto_classify"`, "1")
	for _, c := range []struct {
		about, body, code string
		status            int
	}{
		{"no parts", closing, "missing_file", 400},
		{"nothing at all", "", "malformed_request", 400},
		{"no file", field(`name="auto_classify"`, "true") + closing, "missing_file", 400},
		{"a file in another field", field(`name="document"; filename="a.txt"`, strings.Repeat("good text ", 10_000)) + closing, "missing_file", 400},
		{"a name that is no UTF-8", field("name=\"\xff\"", "x") + closing, "invalid_text", 400},
		{"a file that is a field", field(`name="file"`, "good text") + closing, "missing_file", 400},
		{"two files", good + file("b.txt", "more text") + closing, "invalid_value", 400},
		{"an empty file", file("a.txt", "") + closing, "empty_file", 400},
		{"a type that nothing reads", file("a.txt", "\x7fELF\x02\x01\x01"+strings.Repeat("\x00", 57)) + closing, "unsupported_type", 415},
		{"an archive", file("a.docx", "PK\x05\x06"+strings.Repeat("\x00", 18)) + closing, "unsupported_type", 415},
		{"a bad word for yes", good + field(`name="auto_classify"`, "perhaps") + closing, "invalid_value", 400},
		{"auto_classify twice", yes + yes + good + closing, "invalid_value", 400},
		{"a name that is not UTF-8", file("a\xff.txt", "good text") + closing, "invalid_text", 400},
		{"a field that holds NUL", field(`name="comment"`, "a\x00b") + good + closing, "invalid_text", 400},
		{"a huge field", field(`name="comment"`, strings.Repeat("x", 100_000)) + good + closing, "too_large", 413},
		{"too many fields", strings.Repeat(field(`name="x"`, ""), 101) + good + closing, "malformed_request", 400},
		{"too large", file("a.txt", strings.Repeat("x", maxUpload+1)) + closing, "too_large", 413},
		{"far too large", file("a.txt", strings.Repeat("x", 3*maxUpload)) + closing, "too_large", 413},
		{"junk for a form", "this is no form\r\n", "malformed_request", 400},
	} {
		a.uploadRaw(t, c.body).want(t, c.about, c.status, c.code)
	}
	// The sender is told that it is the name, and not that the form broke off.
	for _, name := range []string{"a\x00.txt", "a\x7f\x00"} {
		got := a.uploadRaw(t, file(name, "good text")+closing).want(t, "a name that holds NUL", 400, "malformed_request")
		if !strings.Contains(got.problem(t).Detail, "must not hold NUL") {
			t.Errorf("a name that holds NUL: %s", got.body)
		}
	}
	for contentType, want := range map[string]struct {
		status int
		code   string
	}{
		"application/json":                  {415, "unsupported_media_type"},
		"application/x-www-form-urlencoded": {415, "unsupported_media_type"},
		"":                                  {415, "unsupported_media_type"},
		"multipart/form-data":               {400, "malformed_request"},
	} {
		fetch(t, a.client, http.MethodPost, a.url("/api/documents/upload"), strings.NewReader(good+closing), "Content-Type", contentType).
			want(t, "content type "+contentType, want.status, want.code)
	}
	a.holdsNothing(t)
}

// TestBrokenForm ends a form at each of its bytes: only with the whole closing boundary is anything stored.
func TestBrokenForm(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	whole := field(`name="auto_classify"`, "no") + file("a.txt", "text that must not be stored") + closing
	complete := strings.TrimSuffix(whole, "\r\n")
	for n := range len(complete) {
		if got := a.uploadRaw(t, whole[:n]); got.StatusCode != http.StatusBadRequest {
			t.Fatalf("a form that ends after %q: %d %s", whole[:n], got.StatusCode, got.body)
		}
	}
	a.holdsNothing(t)
	a.uploadRaw(t, complete).want(t, "the closing boundary without its line break", 200, "")
}

// TestConnectionCut announces more than it sends, and goes.
func TestConnectionCut(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	for _, sent := range []string{
		file("a.txt", "the beginning"),
		file("a.txt", strings.Repeat("the first of two megabytes ", 40_000)),
		file("a.txt", "a whole file") + field(`name="auto_classify"`, "no"),
	} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", a.server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		header := "POST /api/documents/upload HTTP/1.1\r\nHost: vault\r\nContent-Length: 2000000\r\n" +
			"Content-Type: multipart/form-data; boundary=" + boundary + "\r\n\r\n"
		if _, err := io.WriteString(conn, header+strings.TrimSuffix(sent, "\r\n")); err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
	}
	runtimetest.Wait(t, 10*time.Second, "every upload to be answered", func() bool {
		return strings.Count(a.Log.String(), "route=/api/documents/upload") == 3
	})
	a.holdsNothing(t)
}

// holdsNothing checks that what failed left neither a document nor, once the sweeper has been, an object.
func (a *app) holdsNothing(t *testing.T) {
	t.Helper()
	var list docs
	a.get(t, "/api/documents").want(t, "list", 200, "").into(t, &list)
	if list.Total != 0 || len(list.Documents) != 0 {
		t.Errorf("there are documents: %+v", list)
	}
	runtimetest.Wait(t, 10*time.Second, "the sweeper to leave no object", func() bool {
		if err := a.SweepStorage(t.Context()); err != nil {
			t.Fatal(err)
		}
		objects, uploads := a.Bucket.Keys(t)
		return len(objects)+len(uploads) == 0
	})
}

// TestUploadAsks shows that a client which asks first is told before it sends.
func TestUploadAsks(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", a.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	header := "POST /api/documents/upload HTTP/1.1\r\nHost: vault\r\nContent-Length: 900000000\r\nExpect: 100-continue\r\n" +
		"Content-Type: multipart/form-data; boundary=" + boundary + "\r\n\r\n"
	if _, err := io.WriteString(conn, header); err != nil {
		t.Fatal(err)
	}
	first := make([]byte, len("HTTP/1.1 413"))
	if _, err := io.ReadFull(conn, first); err != nil || string(first) != "HTTP/1.1 413" {
		t.Errorf("answered %q, %v", first, err)
	}
}

// TestRefusedUploadIsHeard sends more than a connection holds, without a token: the answer is read all the same.
func TestRefusedUploadIsHeard(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(httpapi.New(&vault.Vault{}, httpapi.Config{
		APIToken: "token", Logger: runtimetest.NewLog(t).Logger(), Metrics: prometheus.NewRegistry(),
	}))
	t.Cleanup(server.Close)
	body := file("a.txt", strings.Repeat("x", 16<<20)) + closing
	for range 5 {
		fetch(t, server.Client(), http.MethodPost, server.URL+"/api/documents/upload", strings.NewReader(body),
			"Content-Type", "multipart/form-data; boundary="+boundary).want(t, "no token", 401, "unauthorized")
	}
}

// TestSlowClientsHoldNobodyUp has as many clients as there are buffers send 1 MiB at once, then a few bytes now and then.
func TestSlowClientsHoldNobodyUp(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	ctx, goAway := context.WithCancel(t.Context())
	answers := make(chan answer, 16)
	var slow sync.WaitGroup
	for i := range cap(answers) {
		start := strings.NewReader(strings.TrimSuffix(file("slow.txt", fmt.Sprint(i)+strings.Repeat(" slow", 1<<20/5+1000)), "\r\n"))
		slow.Go(func() {
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url("/api/documents/upload"), io.MultiReader(start, &trickle{ctx: ctx}))
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
			response, err := a.client.Do(r)
			if err != nil {
				return // gone, as it should be in the end
			}
			defer response.Body.Close()
			body, _ := io.ReadAll(response.Body)
			answers <- answer{response, body}
		})
	}
	runtimetest.Wait(t, 30*time.Second, "all buffers taken", func() bool {
		_, uploads := a.Bucket.Keys(t)
		return len(uploads) == cap(answers)
	})
	a.upload(t, file("normal.txt", strings.Repeat("normal ", 200_000))).want(t, "an upload beside slow ones", 200, "")
	(<-answers).want(t, "the slow one that gave way", 408, "too_slow")
	goAway()
	slow.Wait()
}

// trickle brings 100 bytes a second at most, until its client goes.
type trickle struct{ ctx context.Context }

func (r *trickle) Read(p []byte) (int, error) {
	select {
	case <-r.ctx.Done():
		return 0, r.ctx.Err()
	case <-time.After(10 * time.Millisecond):
		return copy(p, "x"), nil
	}
}
