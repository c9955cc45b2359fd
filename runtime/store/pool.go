package store

import (
	"github.com/prometheus/client_golang/prometheus"
)

var (
	poolConnections = prometheus.NewDesc("docvault_db_connections", "Connections of the pool by state.", []string{"state"}, nil)
	poolMax         = prometheus.NewDesc("docvault_db_connections_max", "Connections that the pool may have.", nil, nil)
	poolAcquires    = prometheus.NewDesc("docvault_db_acquires_total", "Connections taken from the pool.", nil, nil)
	poolWaits       = prometheus.NewDesc("docvault_db_waits_total", "Of those, how many had to wait for one.", nil, nil)
	poolWaited      = prometheus.NewDesc("docvault_db_wait_seconds_total", "How long they waited.", nil, nil)
	poolGivenUp     = prometheus.NewDesc("docvault_db_given_up_total", "Waits for a connection that were given up.", nil, nil)
)

// Metrics tells how the pool of connections fares.
func (s *Store) Metrics() prometheus.Collector { return poolMetrics{s} }

type poolMetrics struct{ store *Store }

// Describe implements prometheus.Collector.
func (poolMetrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{poolConnections, poolMax, poolAcquires, poolWaits, poolWaited, poolGivenUp} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (m poolMetrics) Collect(to chan<- prometheus.Metric) {
	pool := m.store.pool.Stat()
	gauge := func(d *prometheus.Desc, value int32, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), labels...)
	}
	counter := func(d *prometheus.Desc, value float64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, value)
	}
	gauge(poolConnections, pool.AcquiredConns(), "in_use")
	gauge(poolConnections, pool.IdleConns(), "idle")
	gauge(poolConnections, pool.ConstructingConns(), "connecting")
	gauge(poolMax, pool.MaxConns())
	counter(poolAcquires, float64(pool.AcquireCount()))
	counter(poolWaits, float64(pool.EmptyAcquireCount()))
	counter(poolWaited, pool.EmptyAcquireWaitTime().Seconds())
	counter(poolGivenUp, float64(pool.CanceledAcquireCount()))
}
