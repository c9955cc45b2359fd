package vault

import (
	"context"
	"fmt"
	"time"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/queue"
)

// depthTimeout is what Redis may take to say how much it holds; the statistics do without, then.
const depthTimeout = 2 * time.Second

// Stats are a vault in numbers.
type Stats struct {
	Pending, Processing, Ready, Failed int64 // documents outside of the trash
	Trashed                            int64
	Bytes, TrashedBytes                int64
	OldestPending                      time.Duration // how long the one that has waited longest does so; 0: none waits
	Queue                              *queue.Depth  // nil while Redis is away
}

// Stats returns the vault in numbers. They are kept as documents change, not counted.
func (v *Vault) Stats(ctx context.Context, a document.Actor) (Stats, error) {
	depth := make(chan *queue.Depth, 1)
	go func() { depth <- v.depth(ctx) }()
	rows, err := v.store.Stats(ctx, a.Owner)
	if err != nil {
		return Stats{}, fmt.Errorf("get the statistics: %w", err)
	}
	var s Stats
	states := map[document.Status]*int64{
		document.StatusPending: &s.Pending, document.StatusProcessing: &s.Processing,
		document.StatusReady: &s.Ready, document.StatusFailed: &s.Failed,
	}
	for _, row := range rows {
		if row.Trashed {
			s.Trashed += row.Documents
			s.TrashedBytes += row.Bytes
			continue
		}
		*states[document.Status(row.Status)] += row.Documents
		s.Bytes += row.Bytes
	}
	seconds, err := v.store.OldestPending(ctx, a.Owner)
	if err != nil {
		return Stats{}, fmt.Errorf("look for the oldest: %w", err)
	}
	s.OldestPending = time.Duration(max(seconds, 0) * float64(time.Second))
	s.Queue = <-depth
	return s, nil
}

func (v *Vault) depth(ctx context.Context) *queue.Depth {
	ctx, cancel := context.WithTimeout(ctx, depthTimeout)
	defer cancel()
	d, err := v.queue.Depth(ctx)
	if err != nil {
		v.log.WarnContext(ctx, "queue not measured", "error", err)
		return nil
	}
	return &d
}
