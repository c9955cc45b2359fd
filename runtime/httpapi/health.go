package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/docvault/docvault/runtime/document"
)

// healthWithin bounds the checks, below the timeouts of those who ask.
const healthWithin = 3 * time.Second

// health tells outsiders which dependency is away and nothing more: addresses and errors are in the log.
func (a *api) health(c *call) (any, error) {
	ctx, cancel := context.WithTimeout(c.Context(), healthWithin)
	defer cancel()
	report := healthBody{Status: "ok", Checks: map[string]string{}}
	for name, err := range a.vault.Health(ctx) {
		report.Checks[name] = a.checkInWords(c, name, err)
		if err != nil {
			report.Status = "degraded"
		}
	}
	return report, nil
}

func (a *api) checkInWords(c *call, name string, err error) string {
	if err == nil {
		return "ok"
	}
	a.log.LogAttrs(c.Context(), slog.LevelWarn, "dependency away", slog.String("dependency", name), slog.Any("error", err))
	if errors.Is(err, context.DeadlineExceeded) {
		return "error: no answer in time"
	}
	return "error: not available"
}

func (a *api) live(*call) (any, error) { return probeBody{Status: "ok"}, nil }

func (a *api) ready(c *call) (any, error) {
	ctx, cancel := context.WithTimeout(c.Context(), healthWithin)
	defer cancel()
	if err := a.vault.Ready(ctx); err != nil {
		return nil, notReady(err)
	}
	return probeBody{Status: "ok"}, nil
}

// notReady keeps the reason for the log and answers 503.
func notReady(err error) error {
	return fmt.Errorf("check readiness: %v: %w", err, document.ErrUnavailable) //nolint:errorlint // whatever it is, the answer is one
}
