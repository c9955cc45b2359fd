package controllers

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// replies are objects that the API server leaves otherwise than it is asked for, as where a webhook changes what is applied: asking again
// brings nothing new. It is kept in memory; an operator that starts anew asks once.
type replies struct {
	mu   sync.Mutex
	seen map[types.UID]reply
}

type reply struct {
	is, wanted uint64 // hashes
	at         time.Time
}

// forgotten is when replies of objects that nobody asks for any more go.
const forgotten = time.Hour

func newReplies() *replies { return &replies{seen: map[types.UID]reply{}} }

// last returns when the server last left an object that is like this when it was asked for just this; zero: never.
func (a *replies) last(live client.Object, wanted runtime.ApplyConfiguration) time.Time {
	a.mu.Lock()
	known, ok := a.seen[live.GetUID()]
	a.mu.Unlock()
	if !ok {
		return time.Time{}
	}
	current, err := replyOf(live, wanted)
	if err != nil || current.is != known.is || current.wanted != known.wanted {
		return time.Time{}
	}
	return known.at
}

// keep reports whether the reply is the first one of the object's.
func (a *replies) keep(uid types.UID, r reply) (first bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, known := a.seen[uid]
	r.at = time.Now()
	a.seen[uid] = r
	maps.DeleteFunc(a.seen, func(_ types.UID, old reply) bool { return time.Since(old.at) > forgotten })
	return !known
}

func replyOf(live client.Object, wanted runtime.ApplyConfiguration) (reply, error) {
	owned, err := ownedFields(live)
	if err != nil {
		return reply{}, err
	}
	is, err := sum(owned)
	if err != nil {
		return reply{}, err
	}
	asked, err := sum(wanted)
	return reply{is: is, wanted: asked}, err
}

func sum(value any) (uint64, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return 0, fmt.Errorf("write down: %w", err)
	}
	h := fnv.New64a()
	_, _ = h.Write(text) // a hash takes everything
	return h.Sum64(), nil
}

// versionOf returns the version that the server gave an object which was applied.
func versionOf(applied runtime.ApplyConfiguration) string {
	var object struct {
		Metadata struct {
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
	}
	text, err := json.Marshal(applied)
	if err != nil || json.Unmarshal(text, &object) != nil {
		return ""
	}
	return object.Metadata.ResourceVersion
}
