package classify

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/docvault/docvault/runtime/document"
)

// metrics count what providers cost. Models are no label: their names are whatever people type.
type metrics struct {
	calls   *prometheus.CounterVec
	tokens  *prometheus.CounterVec
	took    *prometheus.HistogramVec
	unknown *prometheus.CounterVec
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	m := &metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "docvault_provider_calls_total",
			Help: "Calls to classify, by provider and outcome: ok, invalid, unavailable, failed, stopped.",
		}, []string{"provider", "outcome"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "docvault_provider_tokens_total", Help: "Tokens that providers counted, by direction: input, output.",
		}, []string{"provider", "direction"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "docvault_provider_call_duration_seconds", Help: "How long calls to classify took.",
			Buckets: []float64{.005, .01, .05, .1, .5, 1, 2, 5, 10, 30, 60, 120},
		}, []string{"provider"}),
		unknown: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "docvault_provider_unknown_topics_total", Help: "Topics that providers chose and that do not exist; they were dropped.",
		}, []string{"provider"}),
	}
	registerer.MustRegister(m.calls, m.tokens, m.took, m.unknown)
	for _, provider := range Names() { // there from the start, so that rates have a beginning
		m.calls.WithLabelValues(provider, outcomeOf(nil))
		m.took.WithLabelValues(provider)
		m.unknown.WithLabelValues(provider)
		m.spent(provider, 0, 0)
	}
	return m
}

// call counts one call that began then and ended with err.
func (m *metrics) call(provider string, began time.Time, err error) {
	m.calls.WithLabelValues(provider, outcomeOf(err)).Inc()
	m.took.WithLabelValues(provider).Observe(time.Since(began).Seconds())
}

func (m *metrics) spent(provider string, input, output int) {
	m.tokens.WithLabelValues(provider, "input").Add(float64(input))
	m.tokens.WithLabelValues(provider, "output").Add(float64(output))
}

func outcomeOf(err error) string {
	_, isInvalid := errors.AsType[*invalid](err)
	switch {
	case err == nil:
		return "ok"
	case isInvalid:
		return "invalid"
	case errors.Is(err, document.ErrUnavailable):
		return "unavailable"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "stopped"
	}
	return "failed"
}

// measured is the builtin provider, counted.
type measured struct {
	*Builtin
	metrics *metrics
}

// Classify implements Provider.
func (m measured) Classify(ctx context.Context, r Request) (Result, error) {
	began := time.Now()
	result, err := m.Builtin.Classify(ctx, r)
	m.metrics.call(NameBuiltin, began, err)
	return result, err
}
