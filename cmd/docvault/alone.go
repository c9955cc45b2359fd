package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/docvault/docvault/runtime/config"
	"github.com/docvault/docvault/runtime/queue"
)

// markEvery is how often the mark is looked at: a Redis that was emptied is marked again before another vault comes round.
const markEvery = 5 * time.Second

// alone keeps a Redis that somebody brought for this vault. Without an identity the Redis is the vault's own, and it does nothing.
type alone struct {
	redis    redis.UniversalClient
	identity string
	log      *slog.Logger
	away     atomic.Bool
}

// claim marks the Redis. Its error is of type config.Problems when another vault has it.
func (a *alone) claim(ctx context.Context) error {
	if a.identity == "" {
		return nil
	}
	err := queue.Claim(ctx, a.redis, a.identity)
	if errors.Is(err, queue.ErrTaken) {
		return config.Problems{fmt.Sprintf("%s: %v, whose mark is its key %s: name another, or remove that key if that vault is gone",
			config.RedisURL, err, config.RedisMarkKey)}
	}
	return err
}

// keep looks at the mark until ctx ends, or another vault has it.
func (a *alone) keep(ctx context.Context) error {
	a.away.Store(a.identity != "")
	for {
		err := a.claim(ctx)
		var taken config.Problems
		if errors.As(err, &taken) {
			return err
		}
		if a.away.Store(err != nil); err != nil && ctx.Err() == nil {
			a.log.WarnContext(ctx, "Redis cannot be marked as this vault's alone", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(markEvery):
		}
	}
}

var errNotMarked = errors.New("redis does not answer, or takes no mark")

// ready tells whether the Redis was there when it was last looked at. Workers that have none have nothing to do; who brought the Redis
// is told so.
func (a *alone) ready(ask func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if a.away.Load() {
			return errNotMarked
		}
		return ask(ctx)
	}
}
