package telemetry

import (
	"context"
	"errors"
	"net/http"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/docvault/docvault/runtime/document"
)

// tracer gives spans that record nothing until a program sets a provider.
var tracer = otel.Tracer("github.com/docvault/docvault")

// FromHeader returns a context that belongs to the trace which a request's header names, if it does.
func FromHeader(ctx context.Context, h http.Header) context.Context {
	return w3c.Extract(ctx, propagation.HeaderCarrier(h))
}

// Begin begins what a program does of its own accord or on another's behalf: a request, a task. End ends the span.
func Begin(ctx context.Context, kind trace.SpanKind, name string) (context.Context, trace.Span) {
	ctx, span := tracer.Start(ctx, name, trace.WithSpanKind(kind))
	if span.IsRecording() {
		span.SetAttributes(attribute.String("docvault.request_id", RequestID(ctx)))
	}
	return ctx, span
}

// Recording tells whether what is done under ctx is being traced.
func Recording(ctx context.Context) bool { return trace.SpanFromContext(ctx).IsRecording() }

// End ends a span that was begun. Deferred itself, span.End would put the text of a panic into the span.
func End(span trace.Span) { span.End() }

// Step begins a part of what is being recorded; end says how it ended. Where nothing is recorded it costs nothing, so that what
// sweepers and probes do makes no traces.
func Step(ctx context.Context, name string) (stepped context.Context, end func(error)) {
	if !Recording(ctx) {
		return ctx, func(error) {}
	}
	ctx, span := tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient))
	return ctx, func(err error) {
		Fail(span, err)
		span.End()
	}
}

// Fail marks a span as failed, by the nature of the error alone: its text may name addresses, keys or files.
func Fail(span trace.Span, err error) {
	if err == nil || errors.Is(err, document.ErrNotFound) {
		return
	}
	nature := "other"
	switch {
	case errors.Is(err, context.Canceled):
		nature = "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		nature = "timed_out"
	case errors.Is(err, document.ErrUnavailable):
		nature = "unavailable"
	case errors.Is(err, document.ErrStale):
		nature = "overtaken"
	}
	span.SetAttributes(attribute.String("error.type", nature))
	span.SetStatus(codes.Error, nature)
}
