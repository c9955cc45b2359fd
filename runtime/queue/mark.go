package queue

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/docvault/docvault/runtime/config"
)

// ErrTaken says that a Redis bears another vault's mark. asynq's keys do not tell vaults apart: two in one would take each other's
// tasks.
var ErrTaken = errors.New(config.RedisTaken)

// Claim marks a Redis as one vault's alone, or finds that it is so.
// Errors: ErrTaken, document.ErrUnavailable.
func Claim(ctx context.Context, client redis.UniversalClient, identity string) error {
	if err := client.SetNX(ctx, config.RedisMarkKey, identity, 0).Err(); err != nil {
		return unavailable("mark Redis", err)
	}
	mark, err := client.Get(ctx, config.RedisMarkKey).Result()
	switch {
	case errors.Is(err, redis.Nil): // emptied in between
		return unavailable("mark Redis", err)
	case err != nil:
		return unavailable("read the mark of Redis", err)
	case mark != identity:
		return ErrTaken
	}
	return nil
}
