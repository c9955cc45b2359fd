// Package worker takes tasks from the queue and gives them to the vault, and sweeps. It knows asynq; the vault does not.
package worker

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/docvault/docvault/runtime/config"
	"github.com/docvault/docvault/runtime/queue"
	"github.com/docvault/docvault/runtime/vault"
)

const (
	// sweepEvery is how often the sweeper looks. Together with the vault's timing it bounds how long a dead worker goes unnoticed.
	sweepEvery = 5 * time.Second
	// restAfterFault is longer than the heartbeat: when the database was away nobody could beat, and nobody is dead for that.
	restAfterFault = 15 * time.Second
	// drainFor is how long work may go on once the worker is told to stop. What is left is handed back, within the rest of the 30 s
	// that Kubernetes gives.
	drainFor = 15 * time.Second
	// Of three tasks that are taken while both queues have some, two are previews: they take a fraction of a second, and someone waits
	// for them. Neither queue ever starves the other.
	documentsWeight = 1
	previewsWeight  = 2
)

// Config says how a worker works.
type Config struct {
	Queue       string
	Concurrency int
	Log         *slog.Logger
	Metrics     prometheus.Registerer
}

// Worker takes tasks of one queue.
type Worker struct {
	vault  *vault.Vault
	redis  redis.UniversalClient
	config Config
	tasks  *prometheus.HistogramVec
	faults prometheus.Counter
	active sync.WaitGroup // handlers; asynq does not wait for those whose context has ended
}

// New returns a worker of a vault.
func New(v *vault.Vault, client redis.UniversalClient, c Config) *Worker {
	w := &Worker{
		vault: v, redis: client, config: c,
		tasks: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "docvault_task_duration_seconds", Help: "Tasks by kind and outcome.",
			Buckets: []float64{.01, .05, .1, .5, 1, 5, 10, 30, 60, 300},
		}, []string{"kind", "outcome"}),
		faults: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "docvault_sweep_faults_total", Help: "Passes of the sweeper that did not do all they should.",
		}),
	}
	c.Metrics.MustRegister(w.tasks, w.faults)
	return w
}

// Run works until ctx ends; then it takes no more, lets what it has end for drainFor, and hands back the rest.
func (w *Worker) Run(ctx context.Context) error {
	working, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	server := asynq.NewServerFromRedisClient(w.redis, asynq.Config{
		Concurrency: w.config.Concurrency,
		Queues:      map[string]int{w.config.Queue: documentsWeight, config.PreviewQueue: previewsWeight},
		BaseContext: func() context.Context { return working },
		// Above the drain: the work is stopped by its context, so that it hands itself back.
		ShutdownTimeout: drainFor + 5*time.Second,
		ErrorHandler:    asynq.ErrorHandlerFunc(w.report),
		Logger:          logger{w.config.Log},
		LogLevel:        asynq.WarnLevel,
	})
	ctx, stop := context.WithCancel(ctx)
	var sweeps sync.WaitGroup
	defer sweeps.Wait()
	defer stop()
	sweeps.Go(func() { w.sweep(ctx, w.vault.SweepWork) })
	sweeps.Go(func() { w.sweep(ctx, w.vault.SweepStorage) })
	if err := w.start(ctx, server); err != nil {
		return err
	}
	w.config.Log.InfoContext(ctx, "worker started", "queue", w.config.Queue, "concurrency", w.config.Concurrency)
	<-ctx.Done()

	server.Stop()
	drained := time.AfterFunc(drainFor, stopWork)
	defer drained.Stop()
	server.Shutdown()
	w.active.Wait()
	w.config.Log.InfoContext(ctx, "worker stopped")
	return nil
}

// start waits for Redis: asynq's own start fails when it is away.
func (w *Worker) start(ctx context.Context, server *asynq.Server) error {
	mux := asynq.NewServeMux()
	mux.HandleFunc(string(queue.Extract), w.handle(ofDocument(w.vault.Extract)))
	mux.HandleFunc(string(queue.Classify), w.handle(ofDocument(w.vault.ClassifyTask)))
	mux.HandleFunc(string(queue.Preview), w.handle(w.vault.MakePreview))
	for w.redis.Ping(ctx).Err() != nil {
		w.config.Log.WarnContext(ctx, "waiting for Redis")
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(sweepEvery):
		}
	}
	if err := server.Start(mux); err != nil {
		return fmt.Errorf("start taking tasks: %w", err)
	}
	return nil
}

// sweep sweeps until ctx ends.
func (w *Worker) sweep(ctx context.Context, pass func(context.Context) error) {
	pause := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = sweepEvery
		if err := pass(ctx); err != nil && ctx.Err() == nil {
			w.faults.Inc()
			w.config.Log.WarnContext(ctx, "sweep incomplete", "error", err)
			w.awaitDatabase(ctx)
			pause = restAfterFault
		}
	}
}

// awaitDatabase returns when the database answers, or ctx ends: the rest after a fault is for hearts to beat again, so it begins then.
func (w *Worker) awaitDatabase(ctx context.Context) {
	for w.vault.Ready(ctx) != nil {
		select {
		case <-ctx.Done():
			return
		case <-time.After(sweepEvery):
		}
	}
}
