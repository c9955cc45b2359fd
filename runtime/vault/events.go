package vault

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/store"
	"github.com/docvault/docvault/runtime/store/sqlrows"
)

const (
	// followEvery is how often a process with subscribers asks what changed: a document is told of once in it, however often it changed.
	followEvery = 200 * time.Millisecond
	// restEvery is how often it asks once nothing has changed for restAfter.
	restEvery = time.Second
	restAfter = 10 * time.Second
	// followWait is the longest pause between attempts to reach a database that is away.
	followWait = 5 * time.Second
	// batchesKept is how far a subscriber may be behind before it has missed something.
	batchesKept = 16
	// prunedAtOnce bounds a statement that removes old changes.
	prunedAtOnce = 20_000
)

// EventKind is what an event is about.
type EventKind string

// The kinds of events.
const (
	EventDocument EventKind = "document"
	EventTopics   EventKind = "topics" // a topic was made, changed or removed, or its count changed
	EventReset    EventKind = "reset"  // something was missed: what was read before may be out of date
)

// Event tells that something changed, and how it is now.
type Event struct {
	Kind EventKind
	// Of EventDocument alone:
	ID             document.ID
	Status         document.Status
	Classification document.ClassificationStatus
	Topics         []string
	Deleted        bool // into the trash, or for good
}

// Subscription brings the events of one owner, until it is closed.
type Subscription struct {
	owner   document.ID
	batches chan []Event
	hub     *hub
}

// Events brings the events, some at a time.
func (s *Subscription) Events() <-chan []Event { return s.batches }

// Close ends the subscription.
func (s *Subscription) Close() {
	s.hub.mutex.Lock()
	defer s.hub.mutex.Unlock()
	delete(s.hub.subscriptions, s)
}

// put has the subscriber get a batch. One that is too far behind gets a reset in the place of all that it did not take.
func (s *Subscription) put(batch []Event) {
	select {
	case s.batches <- batch:
		return
	default:
	}
	for len(s.batches) > 0 {
		select {
		case <-s.batches:
		default:
		}
	}
	s.batches <- []Event{{Kind: EventReset}} // the hub alone puts, and the room was just made
}

// hub gives what changed in the database to the subscribers of this process. It follows the database while there are any.
type hub struct {
	mutex         sync.Mutex
	subscriptions map[*Subscription]struct{}
	following     bool
	failed        error // to follow, at failedAt
	failedAt      time.Time
}

// failsFor is how long nobody tries again to follow after one could not: each would wait for the one before.
const failsFor = 2 * time.Second

// Subscribe returns what happens from now on. Errors: document.ErrUnavailable.
func (v *Vault) Subscribe(ctx context.Context, a document.Actor) (*Subscription, error) {
	v.hub.mutex.Lock()
	defer v.hub.mutex.Unlock()
	if !v.hub.following {
		if time.Since(v.hub.failedAt) < failsFor {
			return nil, fmt.Errorf("follow the database: %w", v.hub.failed)
		}
		// That this one subscriber goes is no failure of the database.
		ctx := context.WithoutCancel(ctx)
		feed, err := v.store.OpenFeed(ctx)
		if err != nil {
			v.hub.failed, v.hub.failedAt = err, time.Now()
			return nil, fmt.Errorf("follow the database: %w", err)
		}
		v.hub.following = true
		go v.follow(ctx, feed)
	}
	s := &Subscription{owner: a.Owner, batches: make(chan []Event, batchesKept), hub: &v.hub}
	if v.hub.subscriptions == nil {
		v.hub.subscriptions = map[*Subscription]struct{}{}
	}
	v.hub.subscriptions[s] = struct{}{}
	return s, nil
}

// unfollowed ends the following if nobody is left to follow for.
func (h *hub) unfollowed() bool {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.following = len(h.subscriptions) > 0
	return !h.following
}

// tell gives everyone what events has for them; nil is a reset for all.
func (h *hub) tell(events map[document.ID][]Event) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for s := range h.subscriptions {
		switch batch := events[s.owner]; {
		case events == nil:
			s.put([]Event{{Kind: EventReset}})
		case len(batch) > 0:
			s.put(batch)
		}
	}
}

// follow asks what changed until nobody wants to know any more.
func (v *Vault) follow(ctx context.Context, feed *store.Feed) {
	changed := time.Now()
	for !v.hub.unfollowed() {
		pause := followEvery
		if time.Since(changed) > restAfter {
			pause = restEvery
		}
		time.Sleep(pause)
		events, err := v.news(ctx, feed)
		if err != nil {
			v.log.WarnContext(ctx, "lost sight of what changes", "error", err)
			feed.Close()
			if feed = v.reopen(ctx); feed == nil {
				return
			}
		}
		if events == nil || len(events) > 0 {
			v.hub.tell(events)
			changed = time.Now()
		}
	}
	feed.Close()
}

// reopen tries until the database is back, or nobody waits for it any more: then it returns nil.
func (v *Vault) reopen(ctx context.Context) *store.Feed {
	for pause := followEvery; !v.hub.unfollowed(); pause = min(2*pause, followWait) {
		feed, err := v.store.OpenFeed(ctx)
		if err == nil {
			return feed
		}
		time.Sleep(pause)
	}
	return nil
}

// news returns what changed, by owner, and how it is now; nil if something was missed.
func (v *Vault) news(ctx context.Context, feed *store.Feed) (map[document.ID][]Event, error) {
	changes, err := feed.Next(ctx)
	if err != nil || changes.Missed {
		return nil, err
	}
	events := map[document.ID][]Event{}
	for owner, documents := range changes.Documents {
		if events[owner], err = v.documentEvents(ctx, documents); err != nil {
			return nil, err
		}
	}
	for owner := range changes.Topics {
		events[owner] = append(events[owner], Event{Kind: EventTopics})
	}
	return events, nil
}

func (v *Vault) documentEvents(ctx context.Context, changed map[document.ID]store.Gone) ([]Event, error) {
	ids := slices.Collect(maps.Keys(changed))
	states, err := v.store.DocumentStates(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("look at what changed: %w", err)
	}
	filings, err := v.store.FilingsOf(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("list the topics: %w", err)
	}
	topics := map[document.ID][]string{}
	for _, f := range filings {
		topics[f.DocumentID] = append(topics[f.DocumentID], f.Name)
	}
	events := make([]Event, 0, len(ids))
	for _, d := range states {
		delete(changed, d.ID)
		events = append(events, Event{
			Kind: EventDocument, ID: d.ID, Status: d.Status, Classification: d.ClassificationStatus,
			Topics: append([]string{}, topics[d.ID]...), Deleted: d.Trashed,
		})
	}
	for id, gone := range changed {
		if gone.Status == "" {
			continue // removed after the changes were read: the next ones say so
		}
		events = append(events, Event{
			Kind: EventDocument, ID: id, Status: gone.Status, Classification: gone.Classification, Topics: []string{}, Deleted: true,
		})
	}
	return events, nil
}

// pruneChanges forgets changes that everyone who follows has been told of.
func (v *Vault) pruneChanges(ctx context.Context) error {
	for {
		pruned, err := v.store.PruneChanges(ctx, sqlrows.PruneChangesParams{After: store.ChangesKept, AtMost: prunedAtOnce})
		if err != nil {
			return fmt.Errorf("prune the changes: %w", err)
		}
		if pruned < prunedAtOnce {
			return nil
		}
	}
}
