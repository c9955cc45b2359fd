// Package vault holds the use cases of a vault and the rules that they keep: what is stored and when it counts as stored, which
// work is due, whose result may be written. The edges (REST, worker) parse and answer; store, blob and queue do as they are told.
//
// Postgres is the truth. Redis may lose everything: rows say what is pending, and Sweep hands it out again.
package vault

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/docvault/docvault/runtime/blob"
	"github.com/docvault/docvault/runtime/classify"
	"github.com/docvault/docvault/runtime/config"
	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/extract"
	"github.com/docvault/docvault/runtime/queue"
	"github.com/docvault/docvault/runtime/seal"
	"github.com/docvault/docvault/runtime/store"
)

// Parts are what a vault is made of.
type Parts struct {
	Store     *store.Store
	Blobs     blob.Store
	Queue     *queue.Queue
	Extractor *extract.Extractor // of workers; the API reads no document
	Factory   *classify.Factory  // of providers
	Keys      *seal.Keys         // of stored provider keys
	Log       *slog.Logger
	Metrics   prometheus.Registerer // nil: nobody looks
}

// DefaultMaxIndexedBytes holds some 80,000 words, 150 pages or more.
const DefaultMaxIndexedBytes = 512 << 10

// Rules are what the owner of a vault decides.
type Rules struct {
	MaxUploadBytes int64
	// MaxIndexedBytes is how much of a text search gets. 0: DefaultMaxIndexedBytes.
	MaxIndexedBytes int
	TrashFor        time.Duration            // how long deleted documents can be restored; 0: gone at once
	ProviderKeys    map[string]config.Secret // the environment's, by provider: until one is stored, for the provider's own URL
	Classification  config.Classification    // what the settings begin with
	Timing          Timing
}

// Timing bounds how long anything stays unnoticed. Zero values mean the defaults.
type Timing struct {
	Heartbeat   time.Duration // 5 s; of who writes an object or works on a document
	DeadAfter   time.Duration // 30 s without a heartbeat: the worker is dead. With a sweep every 5 s that is taken over within 40 s
	WaitsAfter  time.Duration // 20 s after work was handed out: look whether the queue still has it
	StaleObject time.Duration // 60 s without a heartbeat: nobody writes this object any more
	RetryFor    time.Duration // 24 h; how long classification is put off for a provider that is away, before it fails
	LateWrite   time.Duration // 10 minutes after an object was deleted: delete once more, for writes that landed late
}

func (t Timing) withDefaults() Timing {
	return Timing{
		Heartbeat:   cmp.Or(t.Heartbeat, 5*time.Second),
		DeadAfter:   cmp.Or(t.DeadAfter, 30*time.Second),
		WaitsAfter:  cmp.Or(t.WaitsAfter, 20*time.Second),
		StaleObject: cmp.Or(t.StaleObject, 60*time.Second),
		RetryFor:    cmp.Or(t.RetryFor, 24*time.Hour),
		LateWrite:   cmp.Or(t.LateWrite, 10*time.Minute),
	}
}

// Vault is one vault. It is safe for use by many goroutines.
type Vault struct {
	store     *store.Store
	blobs     blob.Store
	queue     *queue.Queue
	extractor *extract.Extractor
	factory   *classify.Factory
	keys      *seal.Keys
	log       *slog.Logger
	metrics   *metrics
	rules     Rules
	timing    Timing
	hub       hub
}

// New returns a vault of these parts.
func New(p Parts, r Rules) *Vault {
	v := &Vault{
		store: p.Store, blobs: p.Blobs, queue: p.Queue, extractor: p.Extractor, factory: p.Factory, keys: p.Keys, log: p.Log,
		metrics: newMetrics(p.Metrics), rules: r, timing: r.Timing.withDefaults(),
	}
	if p.Metrics != nil {
		p.Metrics.MustRegister(&backlog{v})
	}
	return v
}

// Ready reports whether the vault can serve: Postgres answers and its schema is one that this program can work with.
func (v *Vault) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	if err := v.store.Compatible(ctx); err != nil {
		return fmt.Errorf("check the database: %w", err)
	}
	return nil
}

// healthTimeout is what a dependency may take to say that it is there.
const healthTimeout = 3 * time.Second

// Health tries each dependency: keys postgres, minio and redis, nil where it answers. The errors may hold addresses; they hold no
// secrets.
func (v *Vault) Health(ctx context.Context) map[string]error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	checks := map[string]func(context.Context) error{
		"postgres": v.store.Ping, "minio": v.blobs.Check, "redis": v.queue.Ping,
	}
	type answer struct {
		name string
		err  error
	}
	answers := make(chan answer, len(checks))
	for name, check := range checks {
		go func() { answers <- answer{name, check(ctx)} }()
	}
	health := make(map[string]error, len(checks))
	for range checks {
		a := <-answers
		health[a.name] = a.err
	}
	return health
}

// afterwards is for what must be done although the caller has gone or the program is to stop.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
}

// handOut tells the workers of a task that the database holds already, so its failure is no failure of the use case.
func (v *Vault) handOut(ctx context.Context, t queue.Task) {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	if err := v.queue.Enqueue(ctx, t); err != nil {
		v.log.WarnContext(ctx, "task not handed out; the sweeper will", "task", t.Name(), "error", err)
	}
}

// keepAlive beats until ctx ends. Once there is nothing left to beat for, it ends the work with document.ErrStale.
func (v *Vault) keepAlive(
	ctx context.Context, beat func(context.Context, document.ID) (rows int64, err error), id document.ID, end context.CancelCauseFunc,
) {
	ticker := time.NewTicker(v.timing.Heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		// A third of what makes it dead: one that hangs must not be the last.
		bounded, cancel := context.WithTimeout(ctx, v.timing.DeadAfter/3)
		rows, err := beat(bounded, id)
		cancel()
		switch {
		case err == nil && rows == 0:
			end(document.ErrStale)
			return
		case err != nil && ctx.Err() == nil:
			v.log.WarnContext(ctx, "heartbeat missed", "of", id, "error", err)
		}
	}
}
