package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/docvault/docvault/runtime/config"
	"github.com/docvault/docvault/runtime/extract"
	"github.com/docvault/docvault/runtime/httpapi"
	"github.com/docvault/docvault/runtime/worker"
)

const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
	// drainFor is within the 30 s that Kubernetes gives.
	drainFor = 25 * time.Second
)

func runAPI(ctx context.Context, get func(string) string) error {
	c, err := config.LoadRuntime(get)
	if err != nil {
		return err
	}
	log := setLog(c.Log, "api")
	parts, err := assemble(ctx, c, log)
	if err != nil {
		return err
	}
	defer parts.close()
	flush, err := startTraces(ctx, c, "api", log)
	if err != nil {
		return err
	}
	defer flush()
	metrics := newMetrics(parts)
	v := parts.vault(c, log, metrics)
	handler := httpapi.New(v, httpapi.Config{
		APIToken: c.APIToken.Reveal(), AllowedHosts: c.AllowedHosts, AllowedOrigins: c.AllowedOrigins,
		MaxUploadBytes: c.MaxUploadBytes, Trash: c.TrashFor > 0, Version: version, Logger: log, Metrics: metrics, Stopping: ctx.Done(),
	})
	probes := inside(metrics, probes{live: alive, ready: v.Ready, pprof: c.Pprof, log: log})
	return together(ctx,
		parts.alone(c, log).keep,
		func(ctx context.Context) error { return serve(ctx, "api", c.ListenAddr, handler, log) },
		func(ctx context.Context) error { return serve(ctx, "metrics", c.MetricsAddr, probes, log) },
	)
}

func runWorker(ctx context.Context, get func(string) string) error {
	c, err := config.LoadRuntime(get)
	if err != nil {
		return err
	}
	log := setLog(c.Log, "worker")
	parts, err := assemble(ctx, c, log)
	if err != nil {
		return err
	}
	defer parts.close()
	if parts.ocr, err = extract.FindTesseract(ctx, c.OCRLanguages); err != nil {
		return config.Problems{fmt.Sprintf("%s %v", config.OCRLanguages, err)}
	}
	flush, err := startTraces(ctx, c, "worker", log)
	if err != nil {
		return err
	}
	defer flush()
	metrics := newMetrics(parts)
	v := parts.vault(c, log, metrics)
	redis := parts.alone(c, log)
	w := worker.New(v, parts.redis, worker.Config{
		Queue: config.Queue, Claim: redis.claim, Concurrency: c.Concurrency, Log: log, Metrics: metrics,
	})
	probes := inside(metrics, probes{live: w.Live, ready: redis.ready(v.Ready), pprof: c.Pprof, log: log})
	return together(ctx,
		w.Run,
		redis.keep,
		func(ctx context.Context) error { return serve(ctx, "metrics", c.MetricsAddr, probes, log) },
	)
}

// together runs all until ctx ends or one of them fails, and waits for every one.
func together(ctx context.Context, all ...func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, len(all))
	for _, one := range all {
		go func() {
			defer stop()
			ended <- one(ctx)
		}()
	}
	var errs []error
	for range all {
		errs = append(errs, <-ended)
	}
	return errors.Join(errs...)
}

// serve answers until ctx ends, then lets the requests in flight end.
func serve(ctx context.Context, name, address string, handler http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	log.InfoContext(ctx, "listening", "server", name, "address", listener.Addr().String())
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", name, err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainFor)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		log.WarnContext(ctx, "cut off requests that did not end in time", "server", name)
		_ = server.Close()
	}
	log.InfoContext(ctx, "stopped", "server", name)
	return nil
}
