package worker

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// stuckAfter is several times what a pass takes whose every call meets its time limit. A loop that has not come round for so long
// never will: the process is better started anew.
const stuckAfter = 10 * time.Minute

// loop is what a worker does again and again, beside its tasks.
type loop struct {
	name string
	pass func(context.Context) error
	last atomic.Int64 // when it came round, Unix seconds
}

func newLoop(name string, pass func(context.Context) error) *loop {
	l := &loop{name: name, pass: pass}
	l.comesRound()
	return l
}

func (l *loop) comesRound() { l.last.Store(time.Now().Unix()) }

// Live tells whether the worker still goes round. That a server is away is no reason to say no: starting anew would not bring it back.
func (w *Worker) Live(context.Context) error {
	for _, l := range w.loops {
		if since := time.Since(time.Unix(l.last.Load(), 0)); since > stuckAfter {
			return fmt.Errorf("the loop %q has not come round for %s", l.name, since.Round(time.Second))
		}
	}
	return nil
}

// sweep sweeps until ctx ends.
func (w *Worker) sweep(ctx context.Context, l *loop) {
	pause := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		l.comesRound()
		pause = sweepEvery
		if err := l.pass(ctx); err != nil && ctx.Err() == nil {
			w.faults.Inc()
			w.config.Log.WarnContext(ctx, "sweep incomplete", "error", err)
			w.awaitDatabase(ctx, l)
			pause = restAfterFault
		}
	}
}

// awaitDatabase returns when the database answers, or ctx ends: the rest after a fault is for hearts to beat again, so it begins then.
func (w *Worker) awaitDatabase(ctx context.Context, l *loop) {
	for w.vault.Ready(ctx) != nil {
		select {
		case <-ctx.Done():
			return
		case <-time.After(sweepEvery):
			l.comesRound()
		}
	}
}
