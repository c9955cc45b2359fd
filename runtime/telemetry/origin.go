// Package telemetry follows one request through the programs: its id stands in every line of the logs that it caused, and its trace
// goes from the edge to the last task. What is needed for that travels in the context, and between programs as an Origin.
package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
)

type requestIDKey struct{}

// WithRequestID returns a context of the request that has this id.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID returns the id of the request that caused what is done under ctx; empty when nobody asked for it.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// Origin says which request caused a task. It goes with the task, and is of no matter to what the task does.
type Origin struct {
	RequestID   string `json:"request_id,omitempty"`
	TraceParent string `json:"traceparent,omitempty"` // as in W3C Trace Context
	TraceState  string `json:"tracestate,omitempty"`
}

const (
	traceParent = "traceparent"
	traceState  = "tracestate"
)

var w3c propagation.TraceContext

// OriginOf returns what goes with a task that is handed out under ctx.
func OriginOf(ctx context.Context) Origin {
	carrier := propagation.MapCarrier{}
	w3c.Inject(ctx, carrier)
	return Origin{RequestID: RequestID(ctx), TraceParent: carrier[traceParent], TraceState: carrier[traceState]}
}

// Into returns a context for the work that this origin caused.
func (o Origin) Into(ctx context.Context) context.Context {
	if o.RequestID != "" {
		ctx = WithRequestID(ctx, o.RequestID)
	}
	return w3c.Extract(ctx, propagation.MapCarrier{traceParent: o.TraceParent, traceState: o.TraceState})
}
