package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/vault"
)

const (
	// pingEvery keeps proxies from taking a quiet stream for a dead one.
	pingEvery = 15 * time.Second
	// reconnectAfter is how long a browser waits before it asks again.
	reconnectAfter = 2 * time.Second
	// maxStreams bounds the streams of a process: each has a connection and 16 batches at most.
	maxStreams = 1000
)

// events streams what changes until the client goes or the process is to stop. The first lines give the stream an id, so that a browser
// that comes back says so: what happened meanwhile is gone, and it is told.
func (a *api) events(w http.ResponseWriter, c *call) error {
	s := stream{w: w, control: http.NewResponseController(w)}
	if c.Method == http.MethodHead {
		s.open()
		return nil
	}
	select {
	case a.streams <- struct{}{}:
		defer func() { <-a.streams }()
	default:
		return errTooManyStreams()
	}
	subscription, err := a.vault.Subscribe(c.Context(), a.actor(c.Request))
	if err != nil {
		return err
	}
	defer subscription.Close()
	s.open()
	s.write(fmt.Sprintf("retry: %d\nid: %s\n\n", reconnectAfter.Milliseconds(), w.Header().Get(requestIDHeader)))
	s.flush()
	if c.Header.Get("Last-Event-ID") != "" {
		s.send([]vault.Event{{Kind: vault.EventReset}})
	}
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for s.err == nil {
		select {
		case <-c.Context().Done():
			return nil
		case <-a.config.Stopping:
			return nil
		case events := <-subscription.Events():
			s.send(events)
		case <-ping.C:
			s.write(": still here\n\n")
			s.flush()
		}
	}
	return nil // the client is gone
}

// stream writes server-sent events, until the first error.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	err     error
}

func (s *stream) open() {
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would collect them
	s.w.WriteHeader(http.StatusOK)
}

func (s *stream) send(events []vault.Event) {
	for _, e := range events {
		data, err := json.Marshal(newEventData(e))
		if err != nil {
			panic(fmt.Errorf("write an event: %w", err)) // texts and ids always marshal
		}
		s.write(fmt.Sprintf("event: %s\ndata: %s\n\n", e.Kind, data))
	}
	s.flush()
}

func (s *stream) write(text string) {
	if s.err == nil {
		_, s.err = s.w.Write([]byte(text))
	}
}

func (s *stream) flush() {
	if s.err == nil {
		s.err = s.control.Flush()
	}
}

// documentEvent is the data of an event of that kind.
type documentEvent struct {
	ID             document.ID    `json:"id"`
	Status         string         `json:"status"`
	Classification statusOfFiling `json:"classification"`
	Topics         []string       `json:"topics"`
	Deleted        bool           `json:"deleted"`
}

type statusOfFiling struct {
	Status string `json:"status"`
}

// newEventData is empty but for documents: an event without data would not reach a browser's program.
func newEventData(e vault.Event) any {
	if e.Kind != vault.EventDocument {
		return struct{}{}
	}
	return documentEvent{
		ID: e.ID, Status: string(e.Status), Classification: statusOfFiling{string(e.Classification)}, Topics: e.Topics, Deleted: e.Deleted,
	}
}
