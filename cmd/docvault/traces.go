package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/docvault/docvault/runtime/config"
)

const (
	// flushFor is what is left of the 30 s that Kubernetes gives, after the drain.
	flushFor = 3 * time.Second
	// sayAgainAfter: a collector that is away fails each batch, which is every 5 s.
	sayAgainAfter = time.Minute
)

// startTraces has spans sent where the environment says; flush sends what is left. OpenTelemetry's library reads endpoint, headers,
// sampler, sizes and times from the environment itself. Spans are sent aside and dropped when that takes too long, so a collector that
// is away slows nothing.
func startTraces(ctx context.Context, c config.Runtime, program string, log *slog.Logger) (flush func(), err error) {
	if !c.Traces {
		return func() {}, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("prepare to send traces: %w", err)
	}
	// What the environment says of itself (OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES) counts more, so it comes last.
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", "docvault-"+program), attribute.String("service.version", version),
	), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("describe this program for traces: %w", err)
	}
	otel.SetErrorHandler(&fewWords{log: log})
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(about))
	otel.SetTracerProvider(provider)
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushFor)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			log.WarnContext(ctx, "the last spans were not sent", "error", err)
		}
	}, nil
}

// fewWords says of the traces' faults one a minute.
type fewWords struct {
	log  *slog.Logger
	last atomic.Int64 // Unix seconds
}

// Handle implements otel.ErrorHandler.
func (f *fewWords) Handle(err error) {
	now, last := time.Now().Unix(), f.last.Load()
	if now-last >= int64(sayAgainAfter.Seconds()) && f.last.CompareAndSwap(last, now) {
		f.log.Warn("traces are not sent", "error", err)
	}
}
