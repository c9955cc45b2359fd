package vault

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/docvault/docvault/runtime/document"
)

// metrics counts what the vault does. Labels are bounded: kinds, codes and actions are constants.
type metrics struct {
	extraction *prometheus.HistogramVec
	bytes      *prometheus.CounterVec
	sweeps     *prometheus.CounterVec
}

// What a sweep does, one label each.
const (
	takenOver      = "taken_over"       // work of a worker that died
	handedOutAgain = "handed_out_again" // work that the queue lost
	trashEmptied   = "trash_emptied"    // documents whose time in the trash is over
	uploadGivenUp  = "upload_given_up"  // objects that nobody writes any more
	objectDeleted  = "object_deleted"   // objects that nobody has any more
)

func newMetrics(registry prometheus.Registerer) *metrics {
	factory := promauto.With(registry)
	m := &metrics{
		extraction: factory.NewHistogramVec(prometheus.HistogramOpts{
			Name: "docvault_extraction_duration_seconds", Help: "Documents read, by type and outcome.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300},
		}, []string{"type", "outcome"}),
		bytes: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "docvault_extraction_bytes_total", Help: "Bytes of the documents read, by type.",
		}, []string{"type"}),
		sweeps: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "docvault_sweep_items_total", Help: "What the sweeper of this process made good, by action.",
		}, []string{"action"}),
	}
	for _, action := range []string{takenOver, handedOutAgain, trashEmptied, uploadGivenUp, objectDeleted} {
		m.sweeps.WithLabelValues(action) // so that it is 0 before it happens, and a rate sees the first
	}
	return m
}

func (m *metrics) swept(action string, items int64) {
	m.sweeps.WithLabelValues(action).Add(float64(items))
}

// extracted counts one reading. Outcomes are done, the codes of documents that fail, stopped (the worker was told to, or was overtaken)
// and fault.
func (m *metrics) extracted(kind document.Kind, size int64, took time.Duration, err error) {
	outcome := "done"
	var never *document.ReadError
	switch {
	case errors.As(err, &never):
		outcome = never.Code
	case errors.Is(err, context.Canceled), errors.Is(err, document.ErrStale):
		outcome = "stopped"
	case err != nil:
		outcome = "fault"
	}
	m.extraction.WithLabelValues(string(kind), outcome).Observe(took.Seconds())
	m.bytes.WithLabelValues(string(kind)).Add(float64(size))
}

const (
	// scrapeWithin is below what Prometheus waits for a scrape.
	scrapeWithin = 2 * time.Second
	// backlogAtMost bounds what a scrape counts.
	backlogAtMost = 10_000
)

var (
	queueTasks = prometheus.NewDesc("docvault_queue_tasks", "Tasks in Redis by state.", []string{"state"}, nil)
	waiting    = prometheus.NewDesc("docvault_documents_waiting", "Documents with work that nobody has; 10000: so many or more.", nil, nil)
	oldest     = prometheus.NewDesc("docvault_oldest_waiting_seconds", "For how long the oldest of that work has waited.", nil, nil)
	up         = prometheus.NewDesc("docvault_dependency_up", "1 if it answered this scrape in time.", []string{"dependency"}, nil)
)

// backlog asks at each scrape what is left to do. What does not answer in time is left out, and docvault_dependency_up says so.
type backlog struct{ *Vault }

// Describe implements prometheus.Collector.
func (*backlog) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{queueTasks, waiting, oldest, up} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (b *backlog) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeWithin)
	defer cancel()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		depth, err := b.queue.Depth(ctx)
		if err != nil {
			gauge(up, 0, "redis")
			return
		}
		gauge(up, 1, "redis")
		for state, n := range map[string]int{
			"pending": depth.Pending, "active": depth.Active, "retry": depth.Retry, "archived": depth.Archived,
		} {
			gauge(queueTasks, float64(n), state)
		}
	}()
	if left, err := b.store.Backlog(ctx, backlogAtMost); err != nil {
		gauge(up, 0, "postgres")
	} else {
		gauge(up, 1, "postgres")
		gauge(waiting, float64(left.Waiting))
		gauge(oldest, left.OldestSeconds)
	}
	<-asked
}
