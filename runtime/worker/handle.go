package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hibiken/asynq"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/queue"
	"github.com/docvault/docvault/runtime/telemetry"
	"github.com/docvault/docvault/runtime/vault"
)

// handle makes a use case of the vault a handler of asynq. An error is one that the vault could not record itself.
func (w *Worker) handle(do func(context.Context, queue.Task) (vault.Outcome, error)) func(context.Context, *asynq.Task) error {
	return func(ctx context.Context, task *asynq.Task) error {
		w.active.Add(1)
		defer w.active.Done()
		t, err := queue.ParseTask(task.Type(), task.Payload())
		if err != nil {
			return fmt.Errorf("%w: %w", asynq.SkipRetry, err)
		}
		ctx, span := telemetry.Begin(t.Origin.Into(ctx), trace.SpanKindConsumer, string(t.Kind))
		defer telemetry.End(span)
		began := time.Now()
		outcome, err := do(ctx, t)
		if err != nil {
			outcome = "unrecorded"
		}
		telemetry.Fail(span, err)
		span.SetAttributes(attribute.String("docvault.outcome", string(outcome)))
		took := time.Since(began)
		w.tasks.WithLabelValues(string(t.Kind), string(outcome)).Observe(took.Seconds())
		w.config.Log.InfoContext(ctx, "task", "kind", t.Kind, "document", t.DocumentID, "generation", t.Generation,
			"outcome", outcome, "duration", took.Round(time.Millisecond).String())
		return err
	}
}

// ofDocument makes a use case that works on a whole document one that takes tasks.
func ofDocument(
	do func(context.Context, document.ID, int64) (vault.Outcome, error),
) func(context.Context, queue.Task) (vault.Outcome, error) {
	return func(ctx context.Context, t queue.Task) (vault.Outcome, error) {
		return do(ctx, t.DocumentID, t.Generation)
	}
}

func (w *Worker) report(ctx context.Context, task *asynq.Task, err error) {
	if errors.Is(err, context.Canceled) {
		return // the worker stops: the handler is about to hand the work back
	}
	if t, err := queue.ParseTask(task.Type(), task.Payload()); err == nil {
		ctx = t.Origin.Into(ctx)
	}
	w.config.Log.ErrorContext(ctx, "task could not be recorded; the sweeper will find it", "kind", task.Type(), "error", err)
}

// logger gives asynq's messages to slog.
type logger struct{ log *slog.Logger }

func (l logger) Debug(args ...any) { l.log.Debug("queue", "message", fmt.Sprint(args...)) }
func (l logger) Info(args ...any)  { l.log.Info("queue", "message", fmt.Sprint(args...)) }
func (l logger) Warn(args ...any)  { l.log.Warn("queue", "message", fmt.Sprint(args...)) }
func (l logger) Error(args ...any) { l.log.Error("queue", "message", fmt.Sprint(args...)) }
func (l logger) Fatal(args ...any) { l.log.Error("queue", "message", fmt.Sprint(args...)) }
