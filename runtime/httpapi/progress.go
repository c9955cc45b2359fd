package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

const (
	// A body that brings less than progressBytes in progressWithin of waiting for it is given up: 137 bytes a second.
	progressBytes  = 4 << 10
	progressWithin = 30 * time.Second
	// drainBytes is how much of a refused body is still read, at most, and for how long.
	drainBytes  = 64 << 20
	drainWithin = 10 * time.Second
	// writeWithin is how long a client may take to accept writeBytes of an answer.
	writeBytes  = 32 << 10
	writeWithin = 60 * time.Second
)

// progressBody is a request's body with a read deadline that moves on with what arrives. Time that the server takes between reads
// does not count.
type progressBody struct {
	io.ReadCloser
	control *http.ResponseController
	left    time.Duration // of waiting, until the next progressBytes are in
	window  int           // bytes since left was set
	until   time.Time     // when waiting ends in any case, zero: never
	asked   bool          // the client waits to be asked for the body
	late    bool
}

type progressKey struct{}

// guardBody replaces r's body by one with a deadline that moves.
func guardBody(w http.ResponseWriter, r *http.Request) *http.Request {
	if r.Body == nil || r.Body == http.NoBody {
		return r
	}
	body := &progressBody{
		ReadCloser: r.Body, control: http.NewResponseController(w), left: progressWithin, asked: r.Header.Get("Expect") != "",
	}
	r = r.WithContext(context.WithValue(r.Context(), progressKey{}, body))
	r.Body = body
	return r
}

// tooSlow reports whether r's body was given up because it did not arrive.
func tooSlow(r *http.Request) bool {
	body, ok := r.Context().Value(progressKey{}).(*progressBody)
	return ok && body.late
}

// drain reads what is left of a refused request, to no use but the client's: one that is cut off while it sends sees a broken
// connection instead of the answer. One that waits to be asked has not begun.
func drain(r *http.Request) {
	body, ok := r.Context().Value(progressKey{}).(*progressBody)
	if !ok || body.asked || body.late {
		return
	}
	body.until = time.Now().Add(drainWithin)
	_, _ = io.CopyN(io.Discard, body, drainBytes)
}

// Read implements io.Reader.
func (b *progressBody) Read(p []byte) (int, error) {
	b.asked = false
	start := time.Now()
	deadline := start.Add(b.left)
	if !b.until.IsZero() && b.until.Before(deadline) {
		deadline = b.until
	}
	_ = b.control.SetReadDeadline(deadline)
	n, err := b.ReadCloser.Read(p)
	b.left -= time.Since(start)
	if b.window += n; b.window >= progressBytes {
		b.window, b.left = 0, progressWithin
	}
	b.late = b.late || errors.Is(err, os.ErrDeadlineExceeded)
	if errors.Is(err, io.EOF) {
		// The server goes on reading to see whether the client leaves: that has no deadline.
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
