package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// What docvault.io/abandon can name.
const (
	partDatabase = "database"
	partBucket   = "bucket"
)

// emptyPause lets other vaults in between two steps of a bucket's removal.
const emptyPause = 200 * time.Millisecond

// part is what a vault has on one backend.
type part struct {
	name      string // in docvault.io/abandon
	condition string
	what      string // for people: its name and its server
	remove    func(context.Context) (more bool, err error)
}

// parts returns what a vault with a ledger has outside of the cluster. What its owner brought is none of it.
func (p *pass) parts() []part {
	l := p.ledger
	var parts []part
	if !l.externalPostgres() {
		parts = append(parts, part{
			name: partDatabase, condition: v1alpha1.ConditionDatabaseReady, remove: p.dropDatabase,
			what: fmt.Sprintf("database %s with its roles at Postgres %s:%s", l.Database, l.PostgresHost, l.PostgresPort),
		})
	}
	if !l.externalObjectStore() {
		parts = append(parts, part{
			name: partBucket, condition: v1alpha1.ConditionBucketReady, remove: p.removeBucket,
			what: fmt.Sprintf("bucket %s with its user and policy at object store %s", l.Bucket, l.ObjectStoreEndpoint),
		})
	}
	return parts
}

// removeParts removes each of the parts, or gives up on it when it cannot be removed and the vault's owner has said so. One backend
// that is away holds up no other.
func (p *pass) removeParts(ctx context.Context, parts []part) (time.Duration, error) {
	classErr := p.followClass(ctx)
	var wait time.Duration
	var errs []error
	for _, part := range parts {
		more, err := false, classErr
		if err == nil {
			more, err = part.remove(ctx)
		}
		switch {
		case more:
			wait = emptyPause
		case err != nil && p.givesUp(part, err):
			p.left = append(p.left, part)
		case err != nil:
			errs = append(errs, err)
			p.holdFor(part, err)
		}
	}
	if wait > 0 {
		return wait, nil // what could not be removed is tried again with the next step of what can
	}
	return 0, errors.Join(errs...)
}

// givesUp reports whether the vault's owner gives up on a part that could not be removed. What the API server or the operator itself
// is to blame for says nothing about the backend, nor does a server with too much to do.
func (p *pass) givesUp(part part, err error) bool {
	var api apierrors.APIStatus
	if p.vault.DeletionTimestamp.IsZero() || errors.Is(err, errBusy) || errors.Is(err, context.Canceled) || errors.As(err, &api) {
		return false
	}
	named, _ := p.abandons()
	return slices.Contains(named, part.name)
}

// abandons reads docvault.io/abandon: the parts that it names, and what else stands there.
func (p *pass) abandons() (named, unknown []string) {
	for word := range strings.FieldsFuncSeq(p.vault.Annotations[v1alpha1.AnnotationAbandon], isSeparator) {
		switch word {
		case partDatabase, partBucket:
			named = append(named, word)
		default:
			unknown = append(unknown, word)
		}
	}
	return named, unknown
}

// isSeparator takes lists as people write them in annotations.
func isSeparator(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' }

// holdFor says what a vault waits for whose data cannot be removed, and what people can do.
func (p *pass) holdFor(part part, err error) {
	if errors.Is(err, errBusy) {
		return
	}
	v := provisioned(err, "")
	v.message += p.howToGoOn(part)
	p.set(part.condition, v)
	p.doing = v.message
}

func (p *pass) howToGoOn(part part) string {
	if p.vault.DeletionTimestamp.IsZero() {
		return ". An earlier vault of this name left it behind; to forget that, delete the Secret " +
			ledgerName(p.ledger.Identity) + " in the operator's namespace"
	}
	return p.howToAbandon(part.name, "the "+part.name)
}

func (p *pass) howToAbandon(names, what string) string {
	hint := fmt.Sprintf(". To leave %s behind, if the server will not come back: kubectl annotate docvault %s %s=%s",
		what, p.vault.Name, v1alpha1.AnnotationAbandon, names)
	if _, unknown := p.abandons(); len(unknown) > 0 {
		hint += fmt.Sprintf(" (it now names %q, which is neither %s nor %s)", unknown, partDatabase, partBucket)
	}
	return hint
}

// giveUpOnLedger lets a vault go whose ledger is lost, once its owner gives up on both backends: without it nothing can be removed.
func (p *pass) giveUpOnLedger(lost error) error {
	if named, _ := p.abandons(); slices.Contains(named, partDatabase) && slices.Contains(named, partBucket) {
		status := p.vault.Status
		p.left = []part{{what: fmt.Sprintf("database %s with its roles, and bucket %s with its user and policy, on the servers of class %s",
			status.Database.Name, status.Bucket.Name, status.ClassName)}}
		return nil
	}
	p.setBackend(v1alpha1.ConditionDatabaseReady, lost, "")
	p.doing = lost.Error() + p.howToAbandon(partDatabase+","+partBucket, "database and bucket")
	return lost
}

// abandon keeps the ledger of a vault that is let go although some of it is left: with its names and credentials an administrator, or the
// next vault of this name, can remove the rest. Both the vault and its class are told.
func (p *pass) abandon(ctx context.Context) error {
	var names, whats []string
	for _, part := range p.left {
		names, whats = append(names, part.name), append(whats, part.what)
	}
	left, kept := strings.Join(whats, "; "), "its ledger is lost"
	if p.ledger != nil {
		p.ledger.State, p.ledger.Abandoned = stateAbandoned, strings.Join(names, ",")
		if err := p.updateLedger(ctx, p.ledger); err != nil {
			return err
		}
		kept = "the Secret " + p.ledger.secret.Name + " in the operator's namespace has the credentials: delete it when this is removed"
	}
	p.recorder.Eventf(p.vault, nil, corev1.EventTypeWarning, v1alpha1.EventAbandoned, "Delete", "left behind: %s; %s", left, kept)
	class := &v1alpha1.DocVaultClass{}
	if err := p.Get(ctx, client.ObjectKey{Name: p.vault.Status.ClassName}, class); err == nil { // one that is gone needs no telling
		p.recorder.Eventf(class, p.vault, corev1.EventTypeWarning, v1alpha1.EventAbandoned, "Delete",
			"the vault %s/%s was deleted and left behind: %s; %s", p.vault.Namespace, p.vault.Name, left, kept)
	}
	return nil
}

// clearAbandoned removes what an earlier vault of this name left behind: a new one must not come up with half of what was to be deleted.
func (p *pass) clearAbandoned(ctx context.Context) (time.Duration, error) {
	if p.ledger == nil || p.ledger.State != stateAbandoned {
		return 0, nil
	}
	// From the API server: by a late cache, the new vault's own data would be removed.
	now, err := p.readLedger(ctx, p.ledger.Identity, false)
	if err != nil || now == nil || now.State != stateAbandoned {
		return time.Second, err
	}
	p.ledger = now
	owed := slices.DeleteFunc(p.parts(), func(part part) bool { return !slices.Contains(strings.Split(now.Abandoned, ","), part.name) })
	p.doing = "what an earlier vault of this name left behind is removed"
	wait, err := p.removeParts(ctx, owed)
	if err != nil {
		return 0, fmt.Errorf("remove what an earlier vault of this name left behind: %w", err)
	}
	if wait > 0 {
		return wait, nil
	}
	p.ledgers.forget(now.secret)
	if err := p.remove(ctx, now.secret); err != nil {
		return 0, fmt.Errorf("remove ledger: %w", err)
	}
	return time.Second, nil
}

// tally counts for people what was removed of buckets that are being emptied, by identity. It starts anew with the operator.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
}

func newTally() *tally { return &tally{counts: map[string]int{}} }

func (t *tally) add(identity string, n int) (total int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts[identity] += n
	return t.counts[identity]
}

func (t *tally) forget(identity string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.counts, identity)
}
