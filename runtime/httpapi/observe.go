package httpapi

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/telemetry"
)

const requestIDHeader = "X-Request-ID"

// maxRequestID is the longest request id that is taken from outside.
const maxRequestID = 64

// observer sees each request from its first to its last byte: id, log, metrics, deadlines, panics.
type observer struct {
	log      *slog.Logger
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

func newObserver(log *slog.Logger, registry prometheus.Registerer) *observer {
	factory := promauto.With(registry)
	return &observer{
		log: log,
		requests: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "docvault_http_requests_total", Help: "Requests answered, by route, method and status.",
		}, []string{"route", "method", "status"}),
		duration: factory.NewHistogramVec(prometheus.HistogramOpts{
			Name: "docvault_http_request_duration_seconds", Help: "From a request's header to the last byte of its answer.",
			Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 120},
		}, []string{"route", "method"}),
		inFlight: factory.NewGauge(prometheus.GaugeOpts{
			Name: "docvault_http_requests_in_flight", Help: "Requests being answered.",
		}),
	}
}

func (o *observer) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		o.inFlight.Inc()
		defer o.inFlight.Dec()
		seen := newSeenWriter(w)
		r = withRequestID(seen, guardBody(seen, r))
		seen.Header().Set("X-Content-Type-Options", "nosniff")
		seen.Header().Set("Referrer-Policy", "no-referrer")
		r, span := begin(r)
		defer telemetry.End(span)
		defer o.record(seen, r, start)
		defer o.recoverPanic(seen, r)
		next.ServeHTTP(seen, r)
	})
}

// record runs last. The mux has set r.Pattern by then, which bounds the label; the query is left out of the log, for it may hold
// what people search.
func (o *observer) record(w *seenWriter, r *http.Request, start time.Time) {
	took := time.Since(start)
	route, method := labels(r)
	o.requests.WithLabelValues(route, method, strconv.Itoa(w.status)).Inc()
	o.duration.WithLabelValues(route, method).Observe(took.Seconds())
	describe(trace.SpanFromContext(r.Context()), route, method, w.status)
	level := slog.LevelInfo
	if isProbe(r.URL.Path) {
		level = slog.LevelDebug
	}
	o.log.LogAttrs(r.Context(), level, "request", slog.String("method", r.Method),
		slog.String("route", route), slog.String("path", r.URL.Path), slog.Int("status", w.status), slog.Int64("bytes", w.bytes),
		slog.String("duration", took.Round(10*time.Microsecond).String()), slog.String("remote", r.RemoteAddr))
}

// begin begins the span of a request, in the trace that it names. Probes have none: nobody follows them.
func begin(r *http.Request) (*http.Request, trace.Span) {
	if isProbe(r.URL.Path) {
		return r, trace.SpanFromContext(r.Context())
	}
	ctx, span := telemetry.Begin(telemetry.FromHeader(r.Context(), r.Header), trace.SpanKindServer, "request")
	return r.WithContext(ctx), span
}

// describe tells of a request what its metrics tell. Its path may be anything, and its query what people search.
func describe(span trace.Span, route, method string, status int) {
	if !span.IsRecording() {
		return
	}
	span.SetName(method + " " + route)
	span.SetAttributes(attribute.String("http.request.method", method), attribute.String("http.route", route),
		attribute.Int("http.response.status_code", status))
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, http.StatusText(status))
	}
}

// labels keeps the metrics bounded whatever is asked for.
func labels(r *http.Request) (route, method string) {
	_, route, _ = strings.Cut(r.Pattern, " ")
	if route == "" {
		route = "unmatched"
	}
	if r.Method == http.MethodOptions || slices.Contains(methods, r.Method) {
		return route, r.Method
	}
	return route, "other"
}

// recoverPanic answers 500 if nothing was sent yet, and ends the connection otherwise.
func (o *observer) recoverPanic(w *seenWriter, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(cause)
	}
	o.log.LogAttrs(r.Context(), slog.LevelError, "handler panicked",
		slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.String("panic", fmt.Sprint(cause)),
		slog.String("stack", string(debug.Stack())))
	if w.written {
		panic(http.ErrAbortHandler)
	}
	writeProblem(w, asProblem(fmt.Errorf("panic: %v", cause), ""))
}

// withRequestID keeps the id that a proxy gave, if it looks like one, and makes one otherwise.
func withRequestID(w http.ResponseWriter, r *http.Request) *http.Request {
	id := r.Header.Get(requestIDHeader)
	if !isRequestID(id) {
		id = document.NewID().String()
	}
	w.Header().Set(requestIDHeader, id)
	return r.WithContext(telemetry.WithRequestID(r.Context(), id))
}

func isRequestID(id string) bool {
	bad := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r)
	}
	return id != "" && len(id) <= maxRequestID && !strings.ContainsFunc(id, bad)
}

// seenWriter remembers what was answered, and gives the client a deadline for taking each write.
type seenWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	status  int
	bytes   int64
	written bool
}

func newSeenWriter(w http.ResponseWriter) *seenWriter {
	seen := &seenWriter{ResponseWriter: w, control: http.NewResponseController(w), status: http.StatusOK}
	seen.allowTime()
	return seen
}

func (w *seenWriter) allowTime() { _ = w.control.SetWriteDeadline(time.Now().Add(writeWithin)) }

// WriteHeader implements http.ResponseWriter.
func (w *seenWriter) WriteHeader(status int) {
	w.allowTime()
	if !w.written {
		w.status, w.written = status, status >= http.StatusOK
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer. Pieces of writeBytes have a deadline each, so that a long answer may take its time.
func (w *seenWriter) Write(p []byte) (int, error) {
	w.written = true
	sent := 0
	for piece := range slices.Chunk(p, writeBytes) {
		w.allowTime()
		n, err := w.ResponseWriter.Write(piece)
		sent += n
		w.bytes += int64(n)
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// Unwrap lets http.ResponseController find the connection.
func (w *seenWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
