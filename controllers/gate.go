package controllers

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

const (
	// backendCap is how many vaults work on one backend server at a time: few enough that no flood of vaults takes the
	// server's connections or all workers of the operator.
	backendCap = 4
	// backendRest is how long a server that did not answer is left alone. After it one caller tries, the others rest on.
	backendRest = 10 * time.Second
)

// gate lets a few vaults at a time to a backend server, and to one that does not answer a single one now and then.
type gate struct {
	slots chan struct{}

	mu      sync.Mutex
	lastErr error     // of the last attempt to reach the server; nil when it answered
	restsTo time.Time // with lastErr: nobody knocks before
}

func newGate() *gate { return &gate{slots: make(chan struct{}, backendCap)} }

// enter waits for a slot. Its error is the server's last one, while the server rests, or that of ctx.
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	if err := g.knock(time.Now()); err != nil {
		return nil, err
	}
	select {
	case g.slots <- struct{}{}:
		return func() { <-g.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (g *gate) knock(now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lastErr == nil {
		return nil
	}
	if now.Before(g.restsTo) {
		return g.lastErr
	}
	g.restsTo = now.Add(backendRest)
	return nil
}

// answered records whether the server was reached.
func (g *gate) answered(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lastErr = err
	g.restsTo = time.Now().Add(backendRest)
}

// judge tells a server that went away in the middle of the work from one that refused it.
func (g *gate) judge(server, reason string, err error) error {
	var network net.Error
	if !errors.As(err, &network) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	g.answered(err)
	return &unreachableError{reason: reason, server: server, err: err}
}
