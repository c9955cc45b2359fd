package httpapi

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// TestSlowClientIsGivenUp sends a part of a body and nothing more. The limit is shortened: waiting for the real one proves no more.
func TestSlowClientIsGivenUp(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = guardBody(w, r)
		r.Body.(*progressBody).left = 50 * time.Millisecond
		if _, err := io.ReadAll(r.Body); err == nil || !tooSlow(r) {
			t.Errorf("reading ended with %v, too slow: %v", err, tooSlow(r))
		}
		writeProblem(w, errTooSlow("x"))
	}))
	t.Cleanup(server.Close)

	status := sendPart(t, server.Listener.Addr().String(), 1000)
	if status != http.StatusRequestTimeout {
		t.Errorf("a client that stopped sending was answered %d", status)
	}
}

// TestProgressBuysTime shows that what arrives buys the time for what comes next, and a trickle does not.
func TestProgressBuysTime(t *testing.T) {
	t.Parallel()
	sent := io.NopCloser(strings.NewReader(strings.Repeat("x", 2*progressBytes)))
	body := &progressBody{ReadCloser: sent, control: http.NewResponseController(httptest.NewRecorder()), left: time.Second}
	if _, err := io.ReadFull(body, make([]byte, progressBytes-1)); err != nil || body.left > time.Second {
		t.Errorf("a trickle bought time: %s left, %v", body.left, err)
	}
	if _, err := io.ReadFull(body, make([]byte, 1)); err != nil || body.left != progressWithin {
		t.Errorf("progress bought no time: %s left, %v", body.left, err)
	}
}

// TestHandlerOutlivesReadDeadline shows that a handler which works long after the body was read is not cancelled by its deadline.
func TestHandlerOutlivesReadDeadline(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = guardBody(w, r)
		r.Body.(*progressBody).left = time.Second
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Errorf("the body was not read before its deadline: %v", err)
		}
		select {
		case <-r.Context().Done():
			t.Errorf("the handler was cancelled: %v", context.Cause(r.Context()))
		case <-time.After(1500 * time.Millisecond):
		}
	}))
	t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader("all of it"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
}

// TestPanicIsAnswered shows that a fault of a handler is a 500 that tells nothing, and a line in the log that tells all.
func TestPanicIsAnswered(t *testing.T) {
	t.Parallel()
	log := &lockedBuffer{}
	observer := newObserver(slog.New(slog.NewJSONHandler(log, nil)), prometheus.NewRegistry())
	server := httptest.NewServer(observer.observe(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("password=hunter2") })))
	t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusInternalServerError || strings.Contains(string(body), "hunter2") {
		t.Errorf("answered %d %s", response.StatusCode, body)
	}
	if !strings.Contains(log.String(), "hunter2") || !strings.Contains(log.String(), "progress_test.go") {
		t.Errorf("the log does not say what happened: %s", log)
	}
}

// sendPart announces 1 MiB, sends size bytes of it and returns the status of the answer.
func sendPart(t *testing.T, address string, size int) int {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	header := "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n"
	if _, err := io.WriteString(conn, header+strings.Repeat("x", size)); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	return response.StatusCode
}
