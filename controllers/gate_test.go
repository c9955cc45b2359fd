package controllers

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/runtime/provision"
)

func TestAServerThatIsAwayIsAskedByOneAtATime(t *testing.T) {
	t.Parallel()
	g, away, now := newGate(), errors.New("away"), time.Now()
	if err := g.knock(now); err != nil {
		t.Fatalf("a server that nobody has asked yet: %v", err)
	}
	g.answered(away)
	if err := g.knock(now); !errors.Is(err, away) {
		t.Errorf("while it rests: %v, want its last error", err)
	}
	rested := now.Add(backendRest + time.Second)
	if err := g.knock(rested); err != nil {
		t.Errorf("nobody may ask after the rest: %v", err)
	}
	if err := g.knock(rested); !errors.Is(err, away) {
		t.Errorf("while another asks: %v, want the last error", err)
	}
	g.answered(nil)
	for range backendCap {
		if _, err := g.enter(t.Context()); err != nil {
			t.Errorf("after it answered: %v", err)
		}
	}
}

func TestWhoWaitedForATurnIsSentAwayWhenTheServerIsGone(t *testing.T) {
	t.Parallel()
	g, away := newGate(), errors.New("away")
	var leave func()
	for range backendCap {
		leave, _ = g.enter(t.Context())
	}
	ended := make(chan error, 1)
	started := make(chan struct{})
	go func() {
		close(started)
		_, err := g.enter(t.Context())
		ended <- err
	}()
	<-started
	g.answered(away)
	leave()
	if err := <-ended; !errors.Is(err, away) {
		t.Errorf("%v, want the server's last error", err)
	}
	if left := len(g.slots); left != backendCap-1 {
		t.Errorf("%d slots are taken, want %d", left, backendCap-1)
	}
}

func TestWorkThatTookTooLongClosesNoGate(t *testing.T) {
	t.Parallel()
	g := newGate()
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	if err := g.judge(ctx, "Postgres", v1alpha1.ReasonPostgresUnreachable, ctx.Err()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("judged as %v", err)
	}
	if _, err := g.enter(t.Context()); err != nil {
		t.Errorf("the next one is turned away: %v", err)
	}
}

// A vault that waits for a slow server holds no worker: it is put back into the queue, and nothing that is known of it changes.
func TestWaitingForATurnHoldsNoWorker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		servers := newBackends(newMetrics())
		backend := servers.postgresOf("slow", provision.PostgresServer{})
		for range backendCap {
			if _, err := backend.enter(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		err := servers.withPostgres(t.Context(), "slow", provision.PostgresServer{}, nil)
		if waited := time.Since(began); !errors.Is(err, errBusy) || waited > 2*time.Second {
			t.Fatalf("after %s: %v, want to be busy at once", waited, err)
		}
		if result, err := resultOf(0, err); err != nil || result.RequeueAfter <= 0 || result.RequeueAfter > 2*turnAfter {
			t.Errorf("the pass ends with %+v, %v, want a short wait", result, err)
		}
		p := &pass{vault: &v1alpha1.DocVault{}}
		p.set(v1alpha1.ConditionDatabaseReady, isTrue(v1alpha1.ReasonProvisioned, "x"))
		p.setBackend(v1alpha1.ConditionDatabaseReady, err, "x")
		if !p.isTrue(v1alpha1.ConditionDatabaseReady) {
			t.Error("the condition changed although nobody looked")
		}
	})
}
