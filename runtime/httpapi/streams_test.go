package httpapi

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	a := &api{streams: make(chan struct{})} // room for none
	w := httptest.NewRecorder()
	err := a.events(w, &call{Request: httptest.NewRequest(http.MethodGet, "/api/events", nil), w: w})
	p := asProblem(err, "")
	if p.Status != 503 || p.Code != "too_many_streams" || p.retryAfter == 0 {
		t.Fatalf("got %+v", p)
	}
}
