package telemetry_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/docvault/docvault/runtime/telemetry"
)

const traceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestLinesSayWhoseTheyAre(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	log := slog.New(telemetry.LogHandler(slog.NewTextHandler(&text, nil))).With("program", "worker")
	caused := telemetry.Origin{RequestID: "edge-7", TraceParent: traceParent}.Into(t.Context())
	log.InfoContext(caused, "of a request")
	log.InfoContext(t.Context(), "of nobody")
	of, nobody, _ := strings.Cut(text.String(), "\n")
	if !strings.Contains(of, "program=worker request_id=edge-7 trace_id=0af7651916cd43dd8448eb211c80319c") {
		t.Errorf("logged %s", of)
	}
	if strings.Contains(nobody, "request_id") || strings.Contains(nobody, "trace_id") {
		t.Errorf("logged %s", nobody)
	}
}

func TestOriginOfWhatATaskHandsOut(t *testing.T) {
	t.Parallel()
	origin := telemetry.Origin{RequestID: "edge-7", TraceParent: traceParent, TraceState: "vendor=x"}
	if got := telemetry.OriginOf(origin.Into(t.Context())); got != origin {
		t.Errorf("became %+v", got)
	}
	if got := telemetry.OriginOf(t.Context()); got != (telemetry.Origin{}) {
		t.Errorf("nobody became %+v", got)
	}
	broken := telemetry.Origin{TraceParent: "00-not-a-trace-01"}
	if got := telemetry.OriginOf(broken.Into(t.Context())); got != (telemetry.Origin{}) {
		t.Errorf("a broken trace became %+v", got)
	}
}

// TestNothingIsRecordedByItself: without a provider a trace from outside is passed on, and steps are no more than their calls.
func TestNothingIsRecordedByItself(t *testing.T) {
	t.Parallel()
	ctx := telemetry.FromHeader(t.Context(), http.Header{"Traceparent": {traceParent}})
	ctx, span := telemetry.Begin(ctx, trace.SpanKindServer, "request")
	defer span.End()
	if telemetry.Recording(ctx) || telemetry.OriginOf(ctx).TraceParent != traceParent {
		t.Errorf("recording: %t, %+v", telemetry.Recording(ctx), telemetry.OriginOf(ctx))
	}
	stepped, end := telemetry.Step(ctx, "step")
	end(errors.New("that nobody sees"))
	if stepped != ctx {
		t.Error("a step that nobody records is a context of its own")
	}
}
