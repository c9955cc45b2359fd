package blob_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/runtimetest"
)

const part = 8 << 20

func TestOpenReadsFromWhereSeekWent(t *testing.T) {
	t.Parallel()
	s := runtimetest.NewBucket(t).Open(t)
	content := bytes.Repeat([]byte("0123456789"), 1000)
	if err := s.Put(t.Context(), "a/b/c.txt", "text/plain", bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	object, err := s.Open(t.Context(), "a/b/c.txt", int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	if err := iotest.TestReader(object, content); err != nil {
		t.Fatal(err)
	}
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	s := runtimetest.NewBucket(t).Open(t)
	if _, err := s.Open(t.Context(), "a/b/none", 1); !errors.Is(err, document.ErrNotFound) {
		t.Errorf("open: %v", err)
	}
	if err := s.Delete(t.Context(), "a/b/none"); err != nil {
		t.Errorf("delete: %v", err)
	}
}

func TestUnavailable(t *testing.T) {
	t.Parallel()
	b := runtimetest.NewBucket(t)
	proxy := runtimetest.NewProxy(t, b.Config.Endpoint)
	b.Config.Endpoint = proxy.Addr
	s := b.Open(t)
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	proxy.Refuse()
	for what, err := range map[string]error{
		"check": s.Check(t.Context()),
		"put":   s.Put(t.Context(), "a/b/c", "text/plain", strings.NewReader("x")),
		"parts": s.Put(t.Context(), "a/b/c", "text/plain", bytes.NewReader(make([]byte, part))),
	} {
		if !errors.Is(err, document.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	proxy.Resume()
	b.Config.Bucket += "-none"
	if err := b.Open(t).Check(t.Context()); !errors.Is(err, document.ErrUnavailable) {
		t.Errorf("another's bucket: %v", err)
	}
}

// TestMissingBucketIsAFault: of an object in it nothing is known, neither that it is gone nor that it was deleted.
func TestMissingBucketIsAFault(t *testing.T) {
	t.Parallel()
	b := runtimetest.NewBucket(t)
	s := b.Open(t)
	if _, err := s.Open(t.Context(), "a/b/c", 1); !errors.Is(err, document.ErrNotFound) {
		t.Errorf("open what is not there: %v", err)
	}
	if err := s.Delete(t.Context(), "a/b/c"); err != nil {
		t.Errorf("delete what is not there: %v", err)
	}
	if err := b.Admin.RemoveBucket(t.Context(), b.Config.Bucket); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), "a/b/c", 1); !errors.Is(err, document.ErrUnavailable) {
		t.Errorf("open without the bucket: %v", err)
	}
	if err := s.Delete(t.Context(), "a/b/c"); !errors.Is(err, document.ErrUnavailable) {
		t.Errorf("delete without the bucket: %v", err)
	}
}

// TestPutEndsWithEOFAlone gives bodies that end otherwise, at each place where that could be taken for the end of the file.
func TestPutEndsWithEOFAlone(t *testing.T) {
	t.Parallel()
	b := runtimetest.NewBucket(t)
	s := b.Open(t)
	for _, size := range []int{0, 1, 1 << 20, 1<<20 + 1, part - 1, part, part + 1, 3 * part} {
		for _, end := range []error{io.ErrUnexpectedEOF, document.ErrCutOff} {
			body := io.MultiReader(bytes.NewReader(make([]byte, size)), iotest.ErrReader(end))
			if err := s.Put(t.Context(), "a/b/c", "text/plain", body); !errors.Is(err, end) {
				t.Errorf("%d bytes and %v: %v", size, end, err)
			}
		}
	}
	if objects, uploads := b.Keys(t); len(objects)+len(uploads) > 0 {
		t.Fatalf("stored %v, left %v", objects, uploads)
	}
}

func TestLinksAreForTheAddressThatBrowsersReach(t *testing.T) {
	t.Parallel()
	b := runtimetest.NewBucket(t)
	proxy := runtimetest.NewProxy(t, b.Config.Endpoint) // stands for that address
	b.Config.PublicEndpoint = "http://" + proxy.Addr
	s := b.Open(t)
	if err := s.Put(t.Context(), "a/b/c", "text/plain", strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	link, err := s.Presign(t.Context(), "a/b/c", "naïve.txt", "text/plain", time.Minute)
	if err != nil || !strings.HasPrefix(link, "http://"+proxy.Addr+"/") {
		t.Fatalf("%s, %v", link, err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Disposition") != "attachment; filename*=utf-8''na%C3%AFve.txt" {
		t.Fatalf("%s %v", answer.Status, answer.Header)
	}
	// Signed without a word to the server: it works while that one is away.
	proxy.Refuse()
	if _, err := s.Presign(t.Context(), "a/b/c", "x", "text/plain", time.Minute); err != nil {
		t.Fatal(err)
	}
}

// TestASmallPutTakesLittleMemory runs alone, for it counts what the process allocates. It takes 26 KiB a time; 104 KiB with a content
// that is signed piece by piece.
func TestASmallPutTakesLittleMemory(t *testing.T) {
	s := runtimetest.NewBucket(t).Open(t)
	content := make([]byte, 4<<10)
	put := func() {
		if err := s.Put(t.Context(), "a/b/c", "text/plain", bytes.NewReader(content)); err != nil {
			t.Fatal(err)
		}
	}
	put() // opens the connection
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const times = 50
	for range times {
		put()
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / times; each > 64<<10 {
		t.Errorf("%d bytes a time, want 64 KiB at most", each)
	}
}

// TestWhatChangedOnItsWayIsNotStored has one letter of the content change between here and the store.
func TestWhatChangedOnItsWayIsNotStored(t *testing.T) {
	t.Parallel()
	b := runtimetest.NewBucket(t)
	endpoint := b.Config.Endpoint
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: endpoint})
		r.Out.Host = r.In.Host // it is signed
		if r.In.Method == http.MethodPut {
			r.Out.Body = io.NopCloser(io.MultiReader(strings.NewReader("!"), r.In.Body))
			_, _ = r.In.Body.Read(make([]byte, 1))
		}
	}})
	t.Cleanup(proxy.Close)
	b.Config.Endpoint = strings.TrimPrefix(proxy.URL, "http://")
	s := b.Open(t)
	for _, size := range []int{4 << 10, 2 << 20} {
		err := s.Put(t.Context(), "a/b/c", "text/plain", bytes.NewReader(make([]byte, size)))
		if !errors.Is(err, document.ErrUnavailable) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	if objects, uploads := b.Keys(t); len(objects)+len(uploads) > 0 {
		t.Errorf("stored %v, left %v", objects, uploads)
	}
}

// TestWhatTheStoreCallsIncompleteIsSentAgain has the store's answer to the first sending of each content be that it was incomplete.
func TestWhatTheStoreCallsIncompleteIsSentAgain(t *testing.T) {
	t.Parallel()
	b := runtimetest.NewBucket(t)
	endpoint := b.Config.Endpoint
	var sent sync.Map
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: endpoint})
			r.Out.Host = r.In.Host // it is signed
		},
		ModifyResponse: func(r *http.Response) error {
			if _, again := sent.LoadOrStore(r.Request.URL.RequestURI(), true); r.Request.Method != http.MethodPut || again {
				return nil
			}
			r.StatusCode, r.Header = http.StatusBadRequest, http.Header{"Content-Type": {"application/xml"}}
			r.Body = io.NopCloser(strings.NewReader("<Error><Code>IncompleteBody</Code></Error>"))
			return nil
		},
	})
	t.Cleanup(proxy.Close)
	b.Config.Endpoint = strings.TrimPrefix(proxy.URL, "http://")
	s := b.Open(t)
	for key, size := range map[string]int{"a/small": 4 << 10, "a/large": part + 1} {
		if err := s.Put(t.Context(), key, "text/plain", bytes.NewReader(make([]byte, size))); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		if stored, err := s.Size(t.Context(), key); err != nil || stored != int64(size) {
			t.Errorf("%d bytes: stored are %d, %v", size, stored, err)
		}
	}
}
