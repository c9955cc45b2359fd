// Package importer takes over the data folder of the Python product that DocVault descends from: it reads what the folder says,
// tolerantly, gives it to a vault, and reports what became of each thing. docs/import.md lists the shapes that it knows.
//
// The folder is only read, and nothing outside of it is: paths that lead out, also by a symbolic link, are refused. Nothing is kept
// between runs: what the vault has already is found by content, so that a run which was cut off is made good by another.
package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/vault"
)

// The parts of the folder.
const (
	uploadsFolder  = "uploads"
	metadataFolder = "metadata"
	topicsFile     = "topics.json"
	settingsFile   = "settings.json"
)

const (
	// atOnce documents are taken over together: one waits for the store, another for the database.
	atOnce = 4
	// namesAtOnce are read of a folder, however many it has.
	namesAtOnce = 256
	// maxJSONBytes bounds one file of JSON. Metadata holds a document's text, of which a vault keeps less.
	maxJSONBytes = 64 << 20
	// progressEvery is how often the log says how far it is.
	progressEvery = 5 * time.Second
	// DefaultPatience is how long a vault may be away before the run ends.
	DefaultPatience = time.Minute
)

// ErrFolder says that there is no such data folder.
var ErrFolder = errors.New("not a data folder of the Python product")

// Importer takes over one folder.
type Importer struct {
	Vault    *vault.Vault
	Actor    document.Actor
	Log      *slog.Logger
	Report   *Report
	Patience time.Duration // how long the vault may be away before the run ends

	root    *os.Root // the folder
	uploads *os.Root // nil: there is none
	topics  *topicBook
	used    usedFiles
	done    atomic.Int64
}

// Run takes over what the folder holds; the report says what became of it. An error means that the run ended before its end: with
// ErrFolder nothing was done, after any other a further run goes on.
func (i *Importer) Run(ctx context.Context, dir string) error {
	if err := i.open(dir); err != nil {
		return err
	}
	defer i.close()
	i.topics = newTopicBook()
	for _, part := range []func(context.Context) error{i.takeTopics, i.takeSettings, i.takeDocuments, i.listUnused} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (i *Importer) open(dir string) (err error) {
	if i.root, err = os.OpenRoot(dir); err != nil {
		return fmt.Errorf("%w: %s cannot be opened", ErrFolder, dir)
	}
	found := false
	for _, name := range []string{uploadsFolder, metadataFolder, topicsFile, settingsFile} {
		_, err := i.root.Stat(name)
		switch {
		case err == nil:
			found = true
		case !errors.Is(err, fs.ErrNotExist):
			i.close()
			return fmt.Errorf("%w: %s cannot be read, or leads out of the folder", ErrFolder, path.Join(dir, name))
		}
	}
	if !found {
		i.close()
		return fmt.Errorf("%w: %s has neither metadata nor uploads, topics.json or settings.json", ErrFolder, dir)
	}
	if i.uploads, err = i.root.OpenRoot(uploadsFolder); err != nil && !errors.Is(err, fs.ErrNotExist) {
		i.close()
		return fmt.Errorf("%w: %s is no folder", ErrFolder, path.Join(dir, uploadsFolder))
	}
	return nil
}

func (i *Importer) close() {
	_ = i.root.Close()
	if i.uploads != nil {
		_ = i.uploads.Close()
	}
}

// takeDocuments takes over what metadata/ lists: the oldest document first, those without a time last, and by name where that leaves it
// open. The order decides which of several with the same bytes, or the same id, counts.
func (i *Importer) takeDocuments(ctx context.Context) error {
	items, err := i.inOrder(ctx)
	if err != nil {
		return err
	}
	stop := i.sayProgress(ctx, len(items))
	defer stop()
	order := newOrder()
	group, going := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, item := range items {
		if going.Err() != nil {
			break
		}
		t := order.next()
		group.Go(func() error {
			defer i.done.Add(1)
			defer t.end()
			return i.takeDocument(going, item, t)
		})
	}
	return cmp.Or(group.Wait(), ctx.Err())
}

// inOrder returns the paths of all metadata files.
func (i *Importer) inOrder(ctx context.Context) (items []string, err error) {
	i.Log.InfoContext(ctx, "reading the metadata")
	type dated struct {
		created time.Time
		item    string
	}
	var all []dated
	err = eachEntry(i.root, metadataFolder, func(name string, isDir bool) error {
		item := path.Join(metadataFolder, name)
		if isDir || !strings.EqualFold(path.Ext(name), ".json") {
			return i.Report.Add(Entry{Kind: KindFile, Item: item, Outcome: Skipped, Reason: "not a JSON file of a document"})
		}
		one := dated{latest, item}
		// What is wrong with it is reported in its turn.
		if fields, err := readObject(i.root, item); err == nil {
			if r := readRecord(item, fields); !r.createdAt.IsZero() {
				one.created = r.createdAt
			}
		}
		all = append(all, one)
		return ctx.Err()
	})
	slices.SortFunc(all, func(a, b dated) int {
		return cmp.Or(a.created.Compare(b.created), strings.Compare(a.item, b.item))
	})
	for _, one := range all {
		items = append(items, one.item)
	}
	return items, err
}

// sayProgress logs until stop is called.
func (i *Importer) sayProgress(ctx context.Context, total int) (stop func()) {
	ctx, stop = context.WithCancel(ctx)
	go func() {
		ticker := time.NewTicker(progressEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				i.Log.InfoContext(ctx, "importing", "done", i.done.Load(), "of", total)
			}
		}
	}()
	i.Log.InfoContext(ctx, "importing", "done", 0, "of", total)
	return stop
}

// listUnused reports the files that no metadata named.
func (i *Importer) listUnused(ctx context.Context) error {
	if i.uploads == nil {
		return nil
	}
	return i.listUnusedIn(ctx, ".")
}

func (i *Importer) listUnusedIn(ctx context.Context, folder string) error {
	return eachEntry(i.uploads, folder, func(name string, isDir bool) error {
		name = path.Join(folder, name)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case isDir:
			return i.listUnusedIn(ctx, name)
		case i.used.has(name):
			return nil
		}
		return i.Report.Add(Entry{
			Kind: KindFile, Item: path.Join(uploadsFolder, name), Outcome: Skipped,
			Reason: "no metadata names this file; upload it if it is wanted",
		})
	})
}

// eachEntry calls do for what a folder holds; a folder that is not there holds nothing. It holds a few names at a time.
func eachEntry(root *os.Root, folder string, do func(name string, isDir bool) error) error {
	f, err := root.Open(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", folder, err)
	}
	defer func() { _ = f.Close() }()
	for {
		entries, err := f.ReadDir(namesAtOnce)
		for _, entry := range entries {
			if err := do(entry.Name(), entry.IsDir()); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read %s: %w", folder, err)
		}
	}
}

// patiently does what needs the vault, again and again while something is away. The error that it ends with then ends the run: every
// further document would fail of the same.
func (i *Importer) patiently(ctx context.Context, do func() error) error {
	deadline := time.Now().Add(i.Patience)
	for pause := time.Second / 2; ; pause *= 2 {
		err := do()
		if !errors.Is(err, document.ErrUnavailable) {
			return err
		}
		if time.Now().Add(pause).After(deadline) {
			return fmt.Errorf("%w: %w", errAway, err)
		}
		i.Log.WarnContext(ctx, "the vault is away; trying again", "in", pause.String(), "error", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// errAway ends a run.
var errAway = errors.New("the vault is away: import again to go on")
