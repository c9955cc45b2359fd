package worker

import (
	"testing"
	"time"
)

func TestStuckLoopIsNotAlive(t *testing.T) {
	t.Parallel()
	goes, stuck := newLoop("goes", nil), newLoop("stuck", nil)
	w := &Worker{loops: []*loop{goes, stuck}}
	if err := w.Live(t.Context()); err != nil {
		t.Fatalf("a worker that has just begun: %v", err)
	}
	stuck.last.Store(time.Now().Add(-stuckAfter - time.Minute).Unix())
	if err := w.Live(t.Context()); err == nil {
		t.Fatal("a worker whose loop is stuck lives")
	}
	stuck.comesRound()
	if err := w.Live(t.Context()); err != nil {
		t.Fatalf("a loop that came round after all: %v", err)
	}
}
