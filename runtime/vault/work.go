package vault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/docvault/docvault/runtime/classify"
	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/queue"
	"github.com/docvault/docvault/runtime/store"
	"github.com/docvault/docvault/runtime/store/sqlrows"
	"github.com/docvault/docvault/runtime/telemetry"
)

// Outcome is how a piece of work ended; the label of metrics.
type Outcome string

// The outcomes of work.
const (
	Done       Outcome = "done"
	Failed     Outcome = "failed"      // for good
	PutOff     Outcome = "put_off"     // a passing fault: tried again later
	HandedBack Outcome = "handed_back" // the worker stops: another takes it at once
	Overtaken  Outcome = "overtaken"   // newer work exists: what was found out is dropped
	Nothing    Outcome = "nothing"     // it was done already, or someone else has it
)

// maxAttempts is how many workers, or readers of theirs, may die of a document before it is given up. One or two may have died of
// something else.
const maxAttempts = 4

// verdict is an error that ends work for good.
type verdict struct{ document.Problem }

func (v verdict) Error() string { return v.Code + ": " + v.Detail }

// Extract reads a document, as a task of a worker under a generation. An error means that not even the fault could be recorded:
// the sweeper finds the work again.
func (v *Vault) Extract(ctx context.Context, id document.ID, generation int64) (Outcome, error) {
	task := queue.Task{Kind: queue.Extract, DocumentID: id, Generation: generation}
	begun, err := v.store.BeginExtract(ctx, sqlrows.BeginExtractParams{ID: id, Generation: generation})
	if errors.Is(err, document.ErrNotFound) {
		return Nothing, nil
	}
	if err != nil {
		return "", fmt.Errorf("begin: %w", err)
	}
	return v.work(ctx, task, int(begun.Attempts), func(working context.Context) error {
		read, err := v.read(working, begun)
		if err != nil {
			return err
		}
		next, classifyNow, err := v.store.FinishExtract(ctx, id, generation, read)
		if err != nil {
			return fmt.Errorf("keep what was read: %w", err)
		}
		if classifyNow {
			v.handOut(ctx, queue.Task{Kind: queue.Classify, DocumentID: id, Generation: next})
		}
		return nil
	})
}

// read holds no connection of the database while it fetches and reads.
func (v *Vault) read(ctx context.Context, begun sqlrows.BeginExtractRow) (store.Read, error) {
	file, err := v.fetch(ctx, begun.ObjectKey, begun.Size)
	if err != nil {
		return store.Read{}, err
	}
	defer func() { _ = file.Close() }()
	began := time.Now()
	reading, end := telemetry.Step(ctx, "extract")
	result, err := v.extractor.Extract(reading, begun.MimeType, file)
	end(err)
	v.metrics.extracted(begun.Kind, begun.Size, time.Since(began), err)
	var never *document.ReadError
	if errors.As(err, &never) {
		return store.Read{}, verdict{document.Problem{Code: never.Code, Detail: never.Detail}}
	}
	if err != nil {
		return store.Read{}, fmt.Errorf("read the document: %w", err)
	}
	text := storable(strings.TrimSpace(strings.Join(result.Pages, "\n\n")))
	indexed, _ := firstBytes(text, cmp.Or(v.rules.MaxIndexedBytes, DefaultMaxIndexedBytes))
	return store.Read{
		Text: text, Indexed: utf8.RuneCountInString(indexed), PageCount: result.PageCount,
		Truncated: result.Truncated, Language: result.Language,
	}, nil
}

// storable is what Postgres takes as text. One byte that it refuses would otherwise be a passing fault for ever.
func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
}

// fetch copies an object into a file without a name, which goes when it is closed.
func (v *Vault) fetch(ctx context.Context, key string, size int64) (*os.File, error) {
	object, err := v.blobs.Open(ctx, key, size)
	if errors.Is(err, document.ErrNotFound) {
		return nil, verdict{document.Problem{Code: document.CodeMalformed, Detail: "The stored file is gone. Upload it again."}}
	}
	if err != nil {
		return nil, fmt.Errorf("open the object: %w", err)
	}
	defer object.Close()
	file, err := os.CreateTemp("", "docvault-*")
	if err != nil {
		return nil, fmt.Errorf("make a file: %w: %w", document.ErrUnavailable, err)
	}
	_ = os.Remove(file.Name())
	_, fetched := telemetry.Step(ctx, "store fetch")
	_, err = io.Copy(file, object)
	fetched(err)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("fetch the object: %w: %w", document.ErrUnavailable, err) // the store, or the disk is full
	}
	return file, nil
}

// ClassifyTask files a document, as a task of a worker. Errors as with Extract.
func (v *Vault) ClassifyTask(ctx context.Context, id document.ID, generation int64) (Outcome, error) {
	task := queue.Task{Kind: queue.Classify, DocumentID: id, Generation: generation}
	begun, err := v.store.BeginClassify(ctx, sqlrows.BeginClassifyParams{ID: id, Generation: generation})
	if errors.Is(err, document.ErrNotFound) {
		return Nothing, nil
	}
	if err != nil {
		return "", fmt.Errorf("begin: %w", err)
	}
	return v.work(ctx, task, int(begun.Attempts), func(working context.Context) error {
		settings, err := v.stored(working, begun.Owner)
		if err != nil {
			return err
		}
		request, err := v.request(working, id, begun, settings)
		if err != nil {
			return err
		}
		if request.Text == "" || len(request.Topics) == 0 {
			return v.skip(ctx, id, generation)
		}
		asking, end := telemetry.Step(working, "ask the provider")
		result, err := v.judge(asking, begun, settings, request)
		end(err)
		if err != nil {
			return err
		}
		if err := v.store.FinishClassify(ctx, filed(id, generation, result)); err != nil {
			return fmt.Errorf("keep the topics: %w", err)
		}
		return nil
	})
}

func (v *Vault) skip(ctx context.Context, id document.ID, generation int64) error {
	written, err := v.store.Queries.FinishClassify(ctx, sqlrows.FinishClassifyParams{
		ID: id, Generation: generation, Status: string(document.ClassificationSkipped),
	})
	if err == nil && written == 0 {
		err = document.ErrStale
	}
	return err
}

func filed(id document.ID, generation int64, r classify.Result) store.Filed {
	f := store.Filed{FinishClassifyParams: sqlrows.FinishClassifyParams{
		ID: id, Generation: generation, Status: string(document.ClassificationDone), Provider: r.Provider, Model: r.Model,
		PromptHash: r.PromptHash, Truncated: r.Truncated,
		//nolint:gosec // a provider's window is far below 2^31 tokens
		InputTokens: int32(r.InputTokens), OutputTokens: int32(r.OutputTokens), UnknownDropped: int32(r.UnknownDropped),
	}}
	for topic, confidence := range r.Confidence {
		f.Topics = append(f.Topics, topic)
		f.Confidences = append(f.Confidences, float32(min(max(confidence, 0), 1)))
	}
	return f
}

// work keeps a piece of work alive while do does it, and records how it ended. The context that do is given ends when the work has been
// overtaken. What do found out it writes under its caller's: a beat that waited for that very write finds the work ended, and must not
// cut off the answer to the commit.
func (v *Vault) work(ctx context.Context, t queue.Task, attempts int, do func(context.Context) error) (Outcome, error) {
	if attempts > maxAttempts {
		return v.fail(ctx, t, poison(t.Kind))
	}
	working, end := context.WithCancelCause(ctx)
	defer end(nil)
	beat := func(ctx context.Context, id document.ID) (int64, error) {
		if t.Kind == queue.Preview {
			return v.store.BeatPreview(ctx, sqlrows.BeatPreviewParams{ID: t.PreviewID, Generation: t.Generation})
		}
		return v.store.BeatDocument(ctx, sqlrows.BeatDocumentParams{ID: id, Generation: t.Generation})
	}
	go v.keepAlive(working, beat, t.DocumentID, end)

	err := do(working)
	var (
		final verdict
		later *delay
	)
	switch {
	case err == nil:
		return Done, nil
	case errors.Is(err, document.ErrStale), errors.Is(context.Cause(working), document.ErrStale):
		return Overtaken, nil
	case errors.As(err, &final):
		return v.fail(ctx, t, final.Problem)
	case ctx.Err() != nil:
		return v.handBack(ctx, t)
	case errors.As(err, &later):
		return v.putOffFor(ctx, t, later.after)
	}
	v.log.WarnContext(ctx, "work put off", "task", t.Name(), "error", err)
	return v.putOff(ctx, t, errors.Is(err, document.ErrUnavailable))
}

// poison is what a document is when workers die of it.
func poison(kind queue.Kind) document.Problem {
	if kind == queue.Classify {
		return document.Problem{Code: "provider_failed", Detail: fmt.Sprintf("Classifying it stopped the worker %d times.", maxAttempts)}
	}
	return document.Problem{Code: document.CodeMalformed, Detail: fmt.Sprintf("Reading it stopped the reader %d times.", maxAttempts)}
}

func (v *Vault) fail(ctx context.Context, t queue.Task, p document.Problem) (Outcome, error) {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	v.log.InfoContext(ctx, "work failed for good", "task", t.Name(), "code", p.Code)
	var err error
	switch t.Kind {
	case queue.Extract:
		_, err = v.store.FailExtract(ctx, sqlrows.FailExtractParams{
			ID: t.DocumentID, Generation: t.Generation, Code: p.Code, Detail: p.Detail,
		})
	case queue.Preview:
		_, err = v.store.FailPreview(ctx, sqlrows.FailPreviewParams{ID: t.PreviewID, Generation: t.Generation})
	default:
		_, err = v.store.FailClassify(ctx, sqlrows.FailClassifyParams{
			ID: t.DocumentID, Generation: t.Generation, Code: p.Code, Detail: p.Detail,
		})
	}
	if err != nil {
		return "", fmt.Errorf("record the failure: %w", err)
	}
	return Failed, nil
}

func (v *Vault) putOff(ctx context.Context, t queue.Task, wasAway bool) (Outcome, error) {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	var err error
	if t.Kind == queue.Preview {
		_, err = v.store.PutOffPreview(ctx, sqlrows.PutOffPreviewParams{
			WasAway: wasAway, WaitsAfter: v.timing.WaitsAfter, ID: t.PreviewID, Generation: t.Generation,
		})
	} else {
		_, err = v.store.PutOff(ctx, sqlrows.PutOffParams{
			WasAway: wasAway, WaitsAfter: v.timing.WaitsAfter, ID: t.DocumentID, Generation: t.Generation,
		})
	}
	if err != nil {
		return "", fmt.Errorf("put off: %w", err)
	}
	return PutOff, nil
}

// putOffFor puts classification off for a provider.
func (v *Vault) putOffFor(ctx context.Context, t queue.Task, after time.Duration) (Outcome, error) {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	_, err := v.store.PutOffClassify(ctx, sqlrows.PutOffClassifyParams{
		After: after, WaitsAfter: v.timing.WaitsAfter, ID: t.DocumentID, Generation: t.Generation,
	})
	if err != nil {
		return "", fmt.Errorf("put off: %w", err)
	}
	return PutOff, nil
}

func (v *Vault) handBack(ctx context.Context, t queue.Task) (Outcome, error) {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	var next int64
	var err error
	if t.Kind == queue.Preview {
		next, err = v.store.HandBackPreview(ctx, sqlrows.HandBackPreviewParams{ID: t.PreviewID, Generation: t.Generation})
	} else {
		next, err = v.store.HandBack(ctx, sqlrows.HandBackParams{ID: t.DocumentID, Generation: t.Generation})
	}
	if errors.Is(err, document.ErrNotFound) {
		return Overtaken, nil
	}
	if err != nil {
		return "", fmt.Errorf("hand back: %w", err)
	}
	t.Generation = next
	v.handOut(ctx, t)
	return HandedBack, nil
}
