// Package worker takes tasks from the queue and gives them to the vault, and sweeps. It knows asynq; the vault does not.
package worker

import (
	"context"
	"errors"
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
	Queue string
	// Claim is called once Redis answers, until it succeeds; an error of type config.Problems ends the worker. nil: nothing is claimed.
	Claim       func(context.Context) error
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
	loops  []*loop
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
	w.loops = []*loop{newLoop("sweep work", v.SweepWork), newLoop("sweep storage", v.SweepStorage)}
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
	for _, l := range w.loops {
		sweeps.Go(func() { w.sweep(ctx, l) })
	}
	if started, err := w.start(ctx, server); !started || err != nil {
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

func (w *Worker) reach(ctx context.Context) error {
	if err := w.redis.Ping(ctx).Err(); err != nil || w.config.Claim == nil {
		return err
	}
	return w.config.Claim(ctx)
}

// start waits for Redis: asynq's own start fails when it is away.
func (w *Worker) start(ctx context.Context, server *asynq.Server) (started bool, err error) {
	mux := asynq.NewServeMux()
	mux.HandleFunc(string(queue.Extract), w.handle(ofDocument(w.vault.Extract)))
	mux.HandleFunc(string(queue.Classify), w.handle(ofDocument(w.vault.ClassifyTask)))
	mux.HandleFunc(string(queue.Preview), w.handle(w.vault.MakePreview))
	for {
		err := w.reach(ctx)
		if err == nil {
			break
		}
		var wrong config.Problems
		if errors.As(err, &wrong) {
			return false, err
		}
		w.config.Log.WarnContext(ctx, "waiting for Redis")
		select {
		case <-ctx.Done():
			return false, nil
		case <-time.After(sweepEvery):
		}
	}
	if err := server.Start(mux); err != nil {
		return false, fmt.Errorf("start taking tasks: %w", err)
	}
	return true, nil
}
