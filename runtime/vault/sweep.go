package vault

import (
	"context"
	"errors"
	"fmt"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/queue"
	"github.com/docvault/docvault/runtime/store/sqlrows"
)

// atMost bounds one pass of the sweeper, so that passes stay short and several workers share them.
const atMost = 500

// Sweep makes true again what a crash, a fault or a lost Redis left untrue. Any number of workers may sweep at once. Its parts
// do not depend on one another: each is done whatever became of the others.
func (v *Vault) Sweep(ctx context.Context) error {
	return errors.Join(
		v.takeOver(ctx),
		v.handOutLost(ctx),
		v.emptyTrash(ctx),
		v.dropStaleObjects(ctx),
		v.deleteDying(ctx),
	)
}

// takeOver gives the work of dead workers to others.
func (v *Vault) takeOver(ctx context.Context) error {
	dead, err := v.store.TakeOver(ctx, sqlrows.TakeOverParams{After: v.timing.DeadAfter, AtMost: atMost})
	if err != nil {
		return fmt.Errorf("take over from dead workers: %w", err)
	}
	for _, d := range dead {
		t := queue.Task{Kind: kindOfWork(d.Status), DocumentID: d.ID, Generation: d.Generation}
		v.log.WarnContext(ctx, "taken over from a dead worker", "task", t.Name())
		v.handOut(ctx, t)
	}
	return nil
}

// handOutLost finds work that should be in the queue and is not, and hands it out under a new generation.
func (v *Vault) handOutLost(ctx context.Context) error {
	waiting, err := v.store.Waiting(ctx, sqlrows.WaitingParams{After: v.timing.WaitsAfter, AtMost: atMost})
	if err != nil {
		return fmt.Errorf("list waiting work: %w", err)
	}
	var queued []document.ID
	for _, w := range waiting {
		t := queue.Task{Kind: kindOfWork(w.Status), DocumentID: w.ID, Generation: w.Generation}
		waits, err := v.queue.Waits(t)
		switch {
		case err != nil:
			return err
		case waits:
			queued = append(queued, w.ID)
		default:
			if err := v.handOutAgain(ctx, t); err != nil {
				return err
			}
		}
	}
	if len(queued) == 0 {
		return nil
	}
	if err := v.store.StillQueued(ctx, queued); err != nil {
		return fmt.Errorf("note what is queued: %w", err)
	}
	return nil
}

func (v *Vault) handOutAgain(ctx context.Context, t queue.Task) error {
	next, err := v.store.HandOutAgain(ctx, sqlrows.HandOutAgainParams{ID: t.DocumentID, Generation: t.Generation})
	if errors.Is(err, document.ErrNotFound) {
		return nil // someone took it meanwhile
	}
	if err != nil {
		return fmt.Errorf("raise the generation: %w", err)
	}
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
	_, err := v.store.EmptyTrash(ctx, sqlrows.EmptyTrashParams{After: v.rules.TrashFor, AtMost: atMost})
	if err != nil {
		return fmt.Errorf("empty the trash: %w", err)
	}
	return nil
}

// dropStaleObjects gives up what nobody writes any more. Only then is it deleted: a commit that comes too late finds it given up.
func (v *Vault) dropStaleObjects(ctx context.Context) error {
	dropped, err := v.store.DropStaleObjects(ctx, v.timing.StaleObject)
	if err != nil {
		return fmt.Errorf("drop stale objects: %w", err)
	}
	if dropped > 0 {
		v.log.InfoContext(ctx, "gave up objects that nobody writes", "objects", dropped)
	}
	return nil
}

// deleteDying deletes each object twice, the second time when no write of before the first can land any more, and forgets it then.
func (v *Vault) deleteDying(ctx context.Context) error {
	dying, err := v.store.DyingObjects(ctx, sqlrows.DyingObjectsParams{Late: v.timing.LateWrite, AtMost: atMost})
	if err != nil {
		return fmt.Errorf("list dying objects: %w", err)
	}
	for _, o := range dying {
		if err := v.deleteObject(ctx, o.ID, o.Key); err != nil {
			return err
		}
		if !o.Again {
			continue
		}
		if err := v.store.ForgetObject(ctx, o.ID); err != nil {
			return fmt.Errorf("forget the object: %w", err)
		}
	}
	return nil
}
