package importer

import (
	"context"
	"sync"

	"github.com/docvault/docvault/runtime/document"
)

// order has documents that are taken over at once come out as if one were taken over after the other: what several of them claim, bytes
// or an id, the first gets.
type order struct {
	last <-chan struct{} // closed once the youngest turn has claimed

	mutex  sync.Mutex
	ends   map[string]<-chan struct{} // by what is claimed: closed once its youngest claimant has ended
	firsts map[document.ID]string     // which item was the first to become a document
}

func newOrder() *order {
	none := make(chan struct{})
	close(none)
	return &order{last: none, ends: map[string]<-chan struct{}{}, firsts: map[document.ID]string{}}
}

// turn is the place of one document in the order. It must end, whatever becomes of the document.
type turn struct {
	order         *order
	before        <-chan struct{}
	claimed, done chan struct{}
	claims        []string
}

// next returns the turns in their order. It is called by one goroutine.
func (o *order) next() *turn {
	t := &turn{order: o, before: o.last, claimed: make(chan struct{}), done: make(chan struct{})}
	o.last = t.claimed
	return t
}

// come waits until all earlier turns have claimed, or ended.
func (t *turn) come(ctx context.Context) error {
	return wait(ctx, t.before)
}

// claim, once the turn has come, lets the next one come, and waits until all earlier ones have ended that claimed one of the same.
func (t *turn) claim(ctx context.Context, claims ...string) error {
	var earlier []<-chan struct{}
	t.order.mutex.Lock()
	for _, claim := range claims {
		if end, found := t.order.ends[claim]; found {
			earlier = append(earlier, end)
		}
		t.order.ends[claim] = t.done
	}
	t.order.mutex.Unlock()
	t.claims = claims
	close(t.claimed)
	for _, end := range earlier {
		if err := wait(ctx, end); err != nil {
			return err
		}
	}
	return nil
}

func (t *turn) end() {
	if t.claims == nil {
		<-t.before
		close(t.claimed)
	}
	t.order.mutex.Lock()
	for _, claim := range t.claims {
		if t.order.ends[claim] == t.done {
			delete(t.order.ends, claim)
		}
	}
	t.order.mutex.Unlock()
	close(t.done)
}

// became notes that an item is a document, and returns which one was so before it; empty: none.
func (t *turn) became(item string, id document.ID) (earlier string) {
	t.order.mutex.Lock()
	defer t.order.mutex.Unlock()
	if earlier = t.order.firsts[id]; earlier == "" {
		t.order.firsts[id] = item
	}
	return earlier
}

func wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
