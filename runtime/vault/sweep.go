package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/queue"
	"github.com/docvault/docvault/runtime/store/sqlrows"
)

const (
	// atMost bounds one pass of the sweeper, so that passes stay short and several workers share them.
	atMost = 500
	// claimedAtOnce is how many dying objects a sweeper takes for itself; those that it does not come to wait for LateWrite.
	claimedAtOnce = 50
	// awayAfter so many objects in a row that cannot be deleted, it is the store that is away.
	awayAfter = 5
	// partTimeout bounds each part of a sweep: a store that hangs must not keep it from what else is due.
	partTimeout = 20 * time.Second
)

// SweepWork hands out again the work that a crash, a fault or a lost Redis left behind. Any number of workers may sweep at once.
func (v *Vault) SweepWork(ctx context.Context) error {
	return each(ctx, v.takeOver, v.handOutLost, v.takeOverPreviews, v.handOutLostPreviews)
}

// SweepStorage removes what nobody has any more. It is apart from SweepWork, which must not wait for an object store.
func (v *Vault) SweepStorage(ctx context.Context) error {
	return each(ctx, v.pruneChanges, v.forgetSessions, v.emptyTrash, v.dropStaleObjects, v.deleteDying)
}

// each does the parts of a sweep. They do not depend on one another: each is done whatever became of the others.
func each(ctx context.Context, parts ...func(context.Context) error) error {
	var errs []error
	for _, part := range parts {
		bounded, cancel := context.WithTimeout(ctx, partTimeout)
		errs = append(errs, part(bounded))
		cancel()
	}
	return errors.Join(errs...)
}

// takeOver gives the work of dead workers to others.
func (v *Vault) takeOver(ctx context.Context) error {
	dead, err := v.store.TakeOver(ctx, sqlrows.TakeOverParams{After: v.timing.DeadAfter, AtMost: atMost})
	if err != nil {
		return fmt.Errorf("take over from dead workers: %w", err)
	}
	for _, d := range dead {
		if ctx.Err() != nil { // Redis hangs; what is left is found again as lost
			return fmt.Errorf("hand out what was taken over: %w", ctx.Err())
		}
		v.handOver(ctx, queue.Task{Kind: kindOfWork(d.Status), DocumentID: d.ID, Generation: d.Generation})
	}
	return nil
}

// handOver gives one piece of a dead worker's work to others, on behalf of the request that caused it.
func (v *Vault) handOver(ctx context.Context, t queue.Task) {
	before := t
	before.Generation--
	t.Origin = v.queue.Origin(before)
	v.metrics.swept(takenOver, 1)
	v.log.WarnContext(t.Origin.Into(ctx), "taken over from a dead worker", "task", t.Name())
	v.handOut(ctx, t)
}

// handOutLost finds work that should be in the queue and is not, and hands it out under a new generation.
func (v *Vault) handOutLost(ctx context.Context) error {
	waiting, err := v.store.Waiting(ctx, sqlrows.WaitingParams{After: v.timing.WaitsAfter, AtMost: atMost})
	if err != nil {
		return fmt.Errorf("list waiting work: %w", err)
	}
	tasks := make([]queue.Task, len(waiting))
	for i, w := range waiting {
		tasks[i] = queue.Task{Kind: kindOfWork(w.Status), DocumentID: w.ID, Generation: w.Generation}
	}
	queued, err := v.handOutMissing(ctx, tasks)
	if err != nil || len(queued) == 0 {
		return err
	}
	ids := make([]document.ID, len(queued))
	for i, t := range queued {
		ids[i] = t.DocumentID
	}
	if err := v.store.StillQueued(ctx, ids); err != nil {
		return fmt.Errorf("note what is queued: %w", err)
	}
	return nil
}

// handOutMissing hands out what the queue does not have, and returns what it has.
func (v *Vault) handOutMissing(ctx context.Context, tasks []queue.Task) (queued []queue.Task, err error) {
	for _, t := range tasks {
		waits, err := v.queue.Waits(t)
		if err == nil && !waits {
			err = v.handOutAgain(ctx, t)
		}
		if err != nil {
			return nil, err
		}
		if waits {
			queued = append(queued, t)
		}
	}
	return queued, nil
}

func (v *Vault) handOutAgain(ctx context.Context, t queue.Task) error {
	var next int64
	var err error
	if t.Kind == queue.Preview {
		next, err = v.store.HandOutPreviewAgain(ctx, sqlrows.HandOutPreviewAgainParams{ID: t.PreviewID, Generation: t.Generation})
	} else {
		next, err = v.store.HandOutAgain(ctx, sqlrows.HandOutAgainParams{ID: t.DocumentID, Generation: t.Generation})
	}
	if errors.Is(err, document.ErrNotFound) {
		return nil // someone took it meanwhile
	}
	if err != nil {
		return fmt.Errorf("raise the generation: %w", err)
	}
	v.metrics.swept(handedOutAgain, 1)
	t.Origin = v.queue.Origin(t) // asynq may still have it, in a state in which nobody gets it
	t.Generation = next
	return v.queue.Enqueue(ctx, t)
}

func kindOfWork(s document.Status) queue.Kind {
	if s == document.StatusReady {
		return queue.Classify
	}
	return queue.Extract
}

func (v *Vault) emptyTrash(ctx context.Context) error {
	removed, err := v.store.EmptyTrash(ctx, sqlrows.EmptyTrashParams{After: v.rules.TrashFor, AtMost: atMost})
	if err != nil {
		return fmt.Errorf("empty the trash: %w", err)
	}
	v.metrics.swept(trashEmptied, removed)
	return nil
}

// dropStaleObjects gives up what nobody writes any more. Only then is it deleted: a commit that comes too late finds it given up.
func (v *Vault) dropStaleObjects(ctx context.Context) error {
	dropped, err := v.store.DropStaleObjects(ctx, v.timing.StaleObject)
	if err != nil {
		return fmt.Errorf("drop stale objects: %w", err)
	}
	v.metrics.swept(uploadGivenUp, dropped)
	if dropped > 0 {
		v.log.InfoContext(ctx, "gave up objects that nobody writes", "objects", dropped)
	}
	return nil
}

// deleteDying deletes each object twice, the second time when no write of before the first can land any more, and forgets it then.
func (v *Vault) deleteDying(ctx context.Context) error {
	for {
		dying, err := v.store.ClaimDyingObjects(ctx, sqlrows.ClaimDyingObjectsParams{Late: v.timing.LateWrite, AtMost: claimedAtOnce})
		if err != nil {
			return fmt.Errorf("claim dying objects: %w", err)
		}
		if err := v.deleteAll(ctx, dying); err != nil || len(dying) < claimedAtOnce {
			return err
		}
	}
}

// deleteAll goes on past objects that cannot be deleted, but not when the store is away.
func (v *Vault) deleteAll(ctx context.Context, dying []sqlrows.ClaimDyingObjectsRow) error {
	var errs []error
	inARow := 0
	for _, o := range dying {
		err := v.deleteDue(ctx, o)
		if err == nil {
			inARow = 0
			continue
		}
		errs = append(errs, err)
		if inARow++; inARow == awayAfter {
			break
		}
	}
	return errors.Join(errs...)
}

func (v *Vault) deleteDue(ctx context.Context, o sqlrows.ClaimDyingObjectsRow) error {
	if err := v.deleteObject(ctx, o.ID, o.Key); err != nil {
		return err
	}
	if !o.Again {
		v.metrics.swept(objectDeleted, 1)
		return nil
	}
	if err := v.store.ForgetObject(ctx, o.ID); err != nil {
		return fmt.Errorf("forget the object: %w", err)
	}
	return nil
}
