package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func newMetrics(p *parts) *prometheus.Registry {
	metrics := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "docvault_build_info", Help: "1, with the program's version.",
		ConstLabels: prometheus.Labels{"version": version, "commit": commit},
	})
	build.Set(1)
	metrics.MustRegister(build, p.store.Metrics(),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return metrics
}

// probes is what the platform may ask.
type probes struct {
	live, ready func(context.Context) error
	pprof       bool
	log         *slog.Logger
}

// alive is said of a program that answers at all.
func alive(context.Context) error { return nil }

// inside is what only the platform sees: metrics, probes, and profiles where they are asked for.
func inside(metrics *prometheus.Registry, p probes) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /livez", p.answer("not alive", p.live))
	mux.HandleFunc("GET /readyz", p.answer("not ready", p.ready))
	if p.pprof {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index) // and all profiles by their names
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}

func (p probes) answer(no string, ask func(context.Context) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := ask(r.Context()); err != nil {
			p.log.WarnContext(r.Context(), "probe", "answer", no, "error", err)
			http.Error(w, no, http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	}
}
