package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/blob"
	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/runtimetest"
)

// buffers is how many parts all uploads of a process may hold.
const buffers = 16

// slowBody gives enough to need a part, then a byte now and then until it is let go.
type slowBody struct {
	start   io.Reader
	begun   func()
	letGo   <-chan struct{}
	trickle *time.Ticker
}

func (b *slowBody) Read(p []byte) (int, error) {
	n, err := b.start.Read(p)
	if n > 0 || !errors.Is(err, io.EOF) {
		return n, err
	}
	b.begun()
	select {
	case <-b.letGo:
		return 0, io.EOF
	case <-b.trickle.C:
		p[0] = 'x'
		return 1, nil
	}
}

// slowUploads holds all buffers until letGo is closed. ends gives how each upload ended.
func slowUploads(t *testing.T, s *blob.S3) (letGo chan struct{}, ends chan error) {
	t.Helper()
	letGo, ends = make(chan struct{}), make(chan error, buffers)
	var begun sync.WaitGroup
	begun.Add(buffers)
	for i := range buffers {
		ticker := time.NewTicker(10 * time.Millisecond)
		t.Cleanup(ticker.Stop)
		body := &slowBody{start: bytes.NewReader(make([]byte, 1<<20)), begun: sync.OnceFunc(begun.Done), letGo: letGo, trickle: ticker}
		go func() { ends <- s.Put(t.Context(), fmt.Sprintf("slow/%d", i), "text/plain", body) }()
	}
	begun.Wait()
	return letGo, ends
}

func TestSlowUploadsGiveWayToThoseThatWaitAndToNoMore(t *testing.T) {
	t.Parallel()
	b := runtimetest.NewBucket(t)
	s := b.Open(t)
	s.PaceWindow(100 * time.Millisecond)
	letGo, ends := slowUploads(t, s)
	// The first takes the place of a slow one, those after it use the same place.
	const normal = 3
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for i := range normal {
		if err := s.Put(ctx, fmt.Sprintf("normal/%d", i), "text/plain", bytes.NewReader(make([]byte, 2<<20))); err != nil {
			t.Errorf("normal upload %d: %v", i, err)
		}
	}
	close(letGo)
	gaveWay := 0
	for range buffers {
		switch err := <-ends; {
		case errors.Is(err, document.ErrTooSlow):
			gaveWay++
		case err != nil:
			t.Errorf("slow upload: %v", err)
		}
	}
	if gaveWay != 1 {
		t.Errorf("%d slow uploads gave way to %d that came one after another, want 1", gaveWay, normal)
	}
	if objects, uploads := b.Keys(t); len(objects) != buffers-gaveWay+normal || len(uploads) > 0 {
		t.Errorf("%d objects are stored, %d uploads left", len(objects), len(uploads))
	}
}

func TestWhoIsTiredOfWaitingTakesNoBuffer(t *testing.T) {
	t.Parallel()
	s := runtimetest.NewBucket(t).Open(t)
	letGo, ends := slowUploads(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := s.Put(ctx, "normal", "text/plain", bytes.NewReader(make([]byte, 2<<20))); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting ended with %v", err)
	}
	close(letGo)
	for range buffers {
		if err := <-ends; err != nil {
			t.Errorf("slow upload: %v", err)
		}
	}
	for i := range buffers + 1 {
		if err := s.Put(t.Context(), fmt.Sprintf("after/%d", i), "text/plain", bytes.NewReader(make([]byte, 2<<20))); err != nil {
			t.Error(err)
		}
	}
}
