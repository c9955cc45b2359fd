package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/controllers"
)

// leaseName is the Lease by which one of several replicas works.
const leaseName = "docvault-operator"

// manage runs the controllers until ctx ends.
func manage(ctx context.Context, s settings) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	installation := controllers.Installation{
		Namespace: s.namespace, ControllerName: s.controllerName, Watched: s.watched, ReadOnlyClasses: s.classesRead,
		Workers: s.workers, Metrics: metrics.Registry,
	}
	if err := metrics.Registry.Register(buildInfo()); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	mgr, err := newManager(s, installation)
	if err != nil {
		return err
	}
	if err := controllers.Setup(ctx, mgr, installation); err != nil {
		return err
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("add liveness check: %w", err)
	}
	if err := mgr.AddReadyzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("add readiness check: %w", err)
	}
	return mgr.Start(ctx)
}

// gcPercent keeps less garbage than Go would, which is as much again as what is cached: an operator whose vaults are settled has time to
// collect it.
const gcPercent = 50

func buildInfo() prometheus.Collector {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "docvault_operator_build_info", Help: "The program.",
		ConstLabels: prometheus.Labels{"version": version, "commit": commit},
	})
	info.Set(1)
	return info
}

// metricsOptions has metrics be read by those alone who may, unless that was not asked for.
func metricsOptions(s settings) metricsserver.Options {
	options := metricsserver.Options{BindAddress: s.metricsAddr}
	if s.metricsSecure {
		options.SecureServing = true
		options.CertDir = s.metricsCertDir
		options.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	return options
}

func newManager(s settings, installation controllers.Installation) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("register Kubernetes types: %w", err)
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("register DocVault types: %w", err)
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("find the API server: %w", err)
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                  scheme,
		Cache:                   controllers.CacheOptions(installation),
		Metrics:                 metricsOptions(s),
		HealthProbeBindAddress:  s.probeAddr,
		LeaderElection:          s.leaderElect,
		LeaderElectionID:        leaseName,
		LeaderElectionNamespace: s.namespace,
		// Nothing runs after the manager has ended, so the next leader need not wait for the lease to run out.
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return nil, fmt.Errorf("create manager: %w", err)
	}
	return mgr, nil
}
