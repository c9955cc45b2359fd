package controllers

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/runtime/provision"
)

// poolSizes are how many connections a process of a vault may have to Postgres, the most first; that is the runtime's own default. There
// are few: each change of it replaces the vault's pods.
var poolSizes = []int{10, 5, 3, 2}

// reservedConnections of a server without a budget are left to its administrators, backups and the operator, at least a tenth.
const reservedConnections = 20

// pods is how many pods of a vault may hold connections, as its spec has it.
type pods struct{ api, worker int }

func podsOf(spec v1alpha1.DocVaultSpec) pods {
	p := pods{api: 1, worker: 1}
	if n := spec.API.Replicas; n != nil {
		p.api = int(*n)
	}
	if a := spec.API.Autoscaling; a != nil {
		p.api = int(a.MaxReplicas)
	}
	if n := spec.Worker.Replicas; n != nil {
		p.worker = int(*n)
	}
	if a := spec.Worker.Autoscaling; a != nil {
		p.worker = int(a.MaxReplicas)
	}
	return p
}

// connections is the most that a vault holds: each API pod its pool and one that events are read over, each worker its pool, another pod of
// both while they are replaced; and three of a migration, or of the operator's look.
func (p pods) connections(pool int) int { return (p.api+1)*(pool+1) + (p.worker+1)*pool + 3 }

func (p pods) String() string { return fmt.Sprintf("%d/%d", p.api, p.worker) }

// pods returns what is recorded; ok is false of ledgers from before it was.
func (l *ledger) pods() (p pods, ok bool) {
	_, err := fmt.Sscanf(l.Pods, "%d/%d", &p.api, &p.worker)
	return p, err == nil
}

// accounts are the connections that the vaults of each class may hold. They are added up from the ledgers when a class is first asked
// for, and kept up by the passes of its vaults from then on.
type accounts struct {
	mu      sync.Mutex
	classes map[string]account
}

// account is who holds connections of a class's server, by identity.
type account map[string]pods

func newAccounts() *accounts { return &accounts{classes: map[string]account{}} }

// forget gives back what a vault that goes may hold.
func (a *accounts) forget(identity string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, vaults := range a.classes {
		delete(vaults, identity)
	}
}

// sum is what all vaults hold together at a pool size.
func (a account) sum(pool int) int {
	total := 0
	for _, p := range a {
		total += p.connections(pool)
	}
	return total
}

// largest returns the largest pool size at which all vaults stay within a number of connections, the smallest when none does.
func (a account) largest(within int) int {
	for _, size := range poolSizes {
		if a.sum(size) <= within {
			return size
		}
	}
	return poolSizes[len(poolSizes)-1]
}

// resize returns the pool size of a vault that has had one, 0 of a new one. A budget is kept to: pools shrink when vaults come. They
// grow again only when a quarter of it stays free, so that one vault that comes and goes does not replace the pods of all.
func (a account) resize(had, budget int) int {
	fits := a.largest(budget)
	if had == 0 || fits < had {
		return fits
	}
	return max(had, a.largest(budget*3/4))
}

// accountOf returns a class's account; the lock is held.
func (r *DocVaultReconciler) accountOf(ctx context.Context, class string) (account, error) {
	if known, ok := r.accounts.classes[class]; ok {
		return known, nil
	}
	secrets := &corev1.SecretList{}
	if err := r.List(ctx, secrets, client.InNamespace(r.Namespace), client.MatchingLabels(ledgerLabels())); err != nil {
		return nil, fmt.Errorf("list ledgers: %w", err)
	}
	vaults := account{}
	for i := range secrets.Items {
		l, err := decodeLedger(&secrets.Items[i])
		if err != nil || l.Class != class || l.State != stateBound || l.externalPostgres() {
			continue
		}
		p, ok := l.pods()
		if !ok {
			p = pods{api: 1, worker: 1} // until its next pass
		}
		vaults[l.Identity] = p
	}
	r.accounts.classes[class] = vaults
	return vaults, nil
}

// shareConnections gives a vault its part of the connections of the class's server, and records it in the ledger. capacity is what the
// server takes, 0 when it was not asked.
//
// With a budget all vaults together stay within it, and who does not fit waits. Without one nobody waits: pools open
// connections as they need them, and few vaults need theirs at once. Then a vault's pools are as large as fits when it is made.
// Errors: *refusal.
func (p *pass) shareConnections(ctx context.Context, l *ledger, capacity int) error {
	if l.externalPostgres() {
		return nil
	}
	p.accounts.mu.Lock()
	defer p.accounts.mu.Unlock()
	vaults, err := p.accountOf(ctx, l.Class)
	if err != nil {
		return err
	}
	budget, wanted := int(p.class.Spec.Postgres.ConnectionBudget), podsOf(p.vault.Spec)
	if budget > 0 {
		if err := vaults.admit(l, wanted, p.class); err != nil {
			return err
		}
	}
	vaults[l.Identity] = wanted
	had, _ := strconv.Atoi(l.PoolSize) // 0 of a new ledger
	size := had
	switch {
	case budget > 0:
		size, l.PoolOfBudget = vaults.resize(had, budget), "true"
	case (had == 0 || l.PoolOfBudget != "") && capacity > 0:
		size, l.PoolOfBudget = vaults.largest(capacity-max(reservedConnections, capacity/10)), ""
	case had == 0:
		size = poolSizes[0]
	}
	l.Pods, l.PoolSize = wanted.String(), strconv.Itoa(size)
	if limit := wanted.connections(size); limit > l.connectionLimit() {
		l.ConnectionLimit = strconv.Itoa(limit)
	}
	return nil
}

// capacityAfterBudget asks the server how many connections it takes when the class has a budget no more: pools that were small for it go by
// that again. A server that is away is asked in a later pass, and until then they stay.
func (p *pass) capacityAfterBudget(ctx context.Context) (capacity int) {
	if p.ledger.PoolOfBudget == "" || p.class.Spec.Postgres.ConnectionBudget > 0 || p.ledger.externalPostgres() {
		return 0
	}
	_ = p.withPostgresOf(ctx, p.ledger, func(ctx context.Context, server *provision.Postgres, _ string) (err error) {
		capacity, err = server.Capacity(ctx)
		return err
	})
	return capacity
}

// admit refuses a vault that is new, or asks for more than it has, and for which there is no room even with the smallest pools.
func (a account) admit(l *ledger, wanted pods, class *v1alpha1.DocVaultClass) error {
	smallest := poolSizes[len(poolSizes)-1]
	others := 0
	for identity, p := range a {
		if identity != l.Identity {
			others += p.connections(smallest)
		}
	}
	budget, need := int(class.Spec.Postgres.ConnectionBudget), wanted.connections(smallest)
	if others+need <= budget {
		return nil
	}
	if had, recorded := l.pods(); l.secret != nil && l.State == stateBound && (!recorded || had.connections(smallest) >= need) {
		return nil
	}
	return refuse(v1alpha1.ReasonConnectionsExhausted,
		"the vault needs %d connections to Postgres and class %s has %d of %d left: lower replicas (or autoscaling.maxReplicas), "+
			"or have the class raise postgres.connectionBudget", need, class.Name, max(0, budget-others), budget)
}

// connectionLimit is of each login; 0: none.
func (l *ledger) connectionLimit() int {
	limit, _ := strconv.Atoi(l.ConnectionLimit)
	return limit
}

// settleConnections lowers the logins' limit once no pod with a larger pool is left: it takes effect in the next pass.
func (p *pass) settleConnections(ctx context.Context) error {
	wanted, recorded := p.ledger.pods()
	size, _ := strconv.Atoi(p.ledger.PoolSize)
	if !recorded || size == 0 {
		return nil // the owner's database
	}
	p.ledger.ConnectionLimit = strconv.Itoa(wanted.connections(size))
	return p.updateLedger(ctx, p.ledger)
}

// poolSize is what the pods are told; 0: nothing, it is their default.
func (l *ledger) poolSize() int {
	size, _ := strconv.Atoi(l.PoolSize)
	if size == poolSizes[0] {
		return 0
	}
	return size
}
