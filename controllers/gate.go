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
	// slotWait is how long a vault waits for its turn before it is put back into the queue for turnAfter: the worker that waits
	// with it is wanted by vaults of other servers. A usual piece of work takes less than that.
	slotWait  = time.Second
	turnAfter = 2 * time.Second
)

// errBusy is no fault: the vault waits for its turn.
var errBusy = errors.New("busy with other vaults")

// gate lets a few vaults at a time to a backend server, and to one that does not answer a single one now and then.
type gate struct {
	slots chan struct{}

	mu      sync.Mutex
	lastErr error     // of the last attempt to reach the server; nil when it answered
	restsTo time.Time // with lastErr: nobody knocks before
}

func newGate() *gate { return &gate{slots: make(chan struct{}, backendCap)} }

// enter takes a slot, waiting a while when all are taken: workers must not pile up before one slow server. Its error is the
// server's last one while the server rests, errBusy, or that of ctx.
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	if err := g.knock(time.Now()); err != nil {
		return nil, err
	}
	select {
	case g.slots <- struct{}{}:
		return g.leave, nil
	default:
	}
	select {
	case g.slots <- struct{}{}:
	case <-time.After(slotWait):
		return nil, errBusy
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := g.lastError(); err != nil { // it went away meanwhile
		g.leave()
		return nil, err
	}
	return g.leave, nil
}

func (g *gate) leave() { <-g.slots }

// knock turns callers away while the server rests, but for the first one after each rest.
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

func (g *gate) lastError() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lastErr
}

// judge tells a server that went away in the middle of the work from one that refused it, and from work, under ctx, that took too
// long: others may be done with theirs.
func (g *gate) judge(ctx context.Context, server, reason string, err error) error {
	if ctx.Err() != nil {
		return err
	}
	var network net.Error
	if !errors.As(err, &network) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	g.answered(err)
	return &unreachableError{reason: reason, server: server, err: err}
}
