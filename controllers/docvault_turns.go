package controllers

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/controllers/desired"
)

// turnsPerClass is how many vaults of a class are rolled at a time when the class changes: a bad image shows on a few of them, and the
// nodes start a few pods more, not a thousand.
const turnsPerClass = 5

// turns says which vaults may be rolled. It is kept in memory: an operator that starts anew gives out new ones, while what the last
// one began goes on by itself.
type turns struct {
	mu      sync.Mutex
	classes map[string]*classTurns
	edited  map[types.NamespacedName]bool // whose owners' edits are not through
	next    chan event.GenericEvent       // vaults whose turn has come
}

type classTurns struct {
	taken   map[types.NamespacedName]bool
	waiting []types.NamespacedName // in the order in which they asked
}

func newTurns() *turns {
	return &turns{
		classes: map[string]*classTurns{}, edited: map[types.NamespacedName]bool{}, next: make(chan event.GenericEvent, 1024),
	}
}

// edit gives a vault the right of way that what its owner edits has. It keeps it until it needs none, though passes fail before that.
func (t *turns) edit(vault types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.edited[vault] = true
}

// take gives a vault its turn and reports whether it has it; without one it is woken when it has. Whoever is forced through counts too.
func (t *turns) take(class string, vault types.NamespacedName, force bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.classes[class]
	if c == nil {
		c = &classTurns{taken: map[types.NamespacedName]bool{}}
		t.classes[class] = c
	}
	if c.taken[vault] || t.edited[vault] || force || len(c.taken) < turnsPerClass {
		c.taken[vault] = true
		c.waiting = without(c.waiting, vault)
		return true
	}
	if !slices.Contains(c.waiting, vault) {
		c.waiting = append(c.waiting, vault)
	}
	return false
}

// leave ends that a vault waits: it needs no turn.
func (t *turns) leave(vault types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.edited, vault)
	for _, c := range t.classes {
		c.waiting = without(c.waiting, vault)
	}
}

// end takes a vault's turn and gives it to the next. A vault that waits keeps its place.
func (t *turns) end(vault types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.classes {
		delete(c.taken, vault)
		for len(c.waiting) > 0 && len(c.taken) < turnsPerClass {
			next := c.waiting[0]
			c.waiting = c.waiting[1:]
			c.taken[next] = true
			t.wake(next)
		}
	}
}

// wake has a vault looked at. One that is not woken, as there are too many, looks by itself later.
func (t *turns) wake(vault types.NamespacedName) {
	object := &v1alpha1.DocVault{ObjectMeta: metav1.ObjectMeta{Namespace: vault.Namespace, Name: vault.Name}}
	select {
	case t.next <- event.GenericEvent{Object: object}:
	default:
	}
}

func without(vaults []types.NamespacedName, one types.NamespacedName) []types.NamespacedName {
	return slices.DeleteFunc(vaults, func(v types.NamespacedName) bool { return v == one })
}

// awaitTurn holds back a vault that serves and whose pods are to be replaced because something other than its spec changed. What its
// owner edits goes at once, and so do new credentials.
func (p *pass) awaitTurn(ctx context.Context) (time.Duration, error) {
	vault := client.ObjectKeyFromObject(p.vault)
	rolls, err := p.rolls()
	if err != nil {
		return 0, err
	}
	if !rolls {
		p.turns.leave(vault)
		return 0, nil
	}
	rotates := p.ledger.Phase == phaseMaking || p.ledger.Phase == phaseRolling
	if p.turns.take(p.class.Name, vault, rotates) {
		return 0, nil
	}
	err = p.keepReachable(ctx)
	p.doing = "waits for its turn: the vaults of class " + p.class.Name + " are changed a few at a time"
	return jitter(resync), err
}

// rolls reports that pods of a vault that serves are not as they should be.
func (p *pass) rolls() (bool, error) {
	if p.vault.Spec.Suspend || p.observed.deployment(p.childName(v1alpha1.ComponentAPI)) == nil {
		return false, nil
	}
	pods := []applyConfiguration{
		desired.Deployment(p.input, desired.Worker(p.input)),
		desired.Deployment(p.input, desired.API(p.input)),
	}
	if !p.ledger.externalRedis() {
		pods = append(pods, desired.RedisStatefulSet(p.input))
	}
	for _, wanted := range pods {
		live, there := p.observed.children[childKeyOf(wanted)]
		if !there {
			continue
		}
		if same, err := p.settledAs(live, wanted); err != nil || !same {
			return !same, err
		}
	}
	return false, nil
}

// keepsTurn reports whether a vault whose pass ended so is still rolled, and goes on by itself. One that is stuck, or waits for something
// else by now, must not hold up the others.
func (p *pass) keepsTurn(err error) bool {
	if errors.Is(err, errBusy) {
		return true
	}
	if err != nil || p.doing == "" || !p.vault.DeletionTimestamp.IsZero() || p.input.Vault == nil || p.isThrough() {
		return false
	}
	migrated := meta.FindStatusCondition(p.vault.Status.Conditions, v1alpha1.ConditionMigrated)
	if migrated != nil && migrated.Reason == v1alpha1.ReasonMigrationRetrying {
		return false
	}
	return !slices.ContainsFunc([]*appsv1.Deployment{
		p.observed.deployment(p.childName(v1alpha1.ComponentWorker)), p.observed.deployment(p.childName(v1alpha1.ComponentAPI)),
	}, func(d *appsv1.Deployment) bool { return d != nil && gaveUp(d) })
}

// isThrough reports that nothing is left to roll: the pods are as they should be, and there.
func (p *pass) isThrough() bool {
	rolls, err := p.rolls()
	return err == nil && !rolls && p.isRolledOut(v1alpha1.ComponentWorker) && p.isRolledOut(v1alpha1.ComponentAPI)
}
