package controllers_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// Everything that the operator hears of is seconds old, but for what it asks the API server itself. It makes nothing twice, and changes
// no credential but when it is asked to: not while a vault comes up, not while it is edited and rotated, and not for one that has the name
// of another that it does not know to be gone.
func TestALateCacheChangesNoCredential(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.effects.setLate(2*time.Second, "")
	i.start()
	i.awaitClass(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAccepted)
	history := i.watchLedgers()
	vault := i.readyVault("acme", deletable, gracious(0))
	i.edit(vault, func() { vault.Spec.Worker.Replicas = new(int32(2)) })
	i.awaitReady(vault)
	first := i.ledger(vault)
	i.mustHaveOnce(vault, "a")
	history.mustHaveHad(t, first, 1)

	i.ask(vault, v1alpha1.AnnotationRotate, "1")
	i.awaitRotation(vault, 1, "ended", "")
	i.awaitReady(vault)
	i.passTime(vault)
	i.awaitReady(vault)
	second := i.ledger(vault)
	i.mustHaveOnce(vault, "b")
	history.mustHaveHad(t, second, 2)
	mustNotWork(t, first)
	i.mustNotHaveRepaired(vault)

	i.remove(vault)
	i.mustBeGone(vault, second)
	again := i.newVaultIn(vault.Namespace, vault.Name)
	deletable(again)
	i.create(again)
	i.awaitReady(again)
	i.mustHaveOnce(again, "a")
	history.mustHaveHad(t, i.ledger(again), 3)
	mustNotWork(t, second)
}

// The operator hears of the vault's children at once and of its own writes to the vault late: a pass that found all as it should be began
// with a status from before the one that was at work. That the vault has settled is said all the same.
func TestALateVaultIsSaidToHaveSettled(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.effects.setLate(2*time.Second, "docvaults")
	i.start()
	vault := i.readyVault("acme")
	status := "PATCH /apis/docvault.io/v1alpha1/namespaces/" + vault.Namespace + "/docvaults/acme/status"
	for range 3 {
		i.anotherPass(vault)
		before := i.effects.count()
		i.mend(vault, drifts()[:1])
		eventually(t, patience, func(context.Context) error {
			if !slices.Contains(i.effects.since(before), status) {
				return errors.New("nothing was said of the change")
			}
			return nil
		})
		i.awaitReady(vault)
	}
}

// mustNotHaveRepaired makes sure that the operator took nothing of a vault's for missing or changed that was as it should be.
func (i *installation) mustNotHaveRepaired(vault *v1alpha1.DocVault) {
	i.t.Helper()
	for _, e := range i.events(vault) {
		if e.Reason == v1alpha1.EventRepaired {
			i.t.Errorf("nobody had changed anything, and the operator repaired: %s", e.Note)
		}
	}
}

// ledgerHistory is every value that ledgers have had.
type ledgerHistory struct {
	mu     sync.Mutex
	values map[string]map[string]bool // of a field, by the ledger's name and the field's
	told   map[string]bool            // the resource versions that were heard of
}

// watchLedgers begins a history, past every cache.
func (i *installation) watchLedgers() *ledgerHistory {
	i.t.Helper()
	kube, err := client.NewWithWatch(i.config, client.Options{Scheme: scheme})
	if err != nil {
		i.t.Fatal(err)
	}
	watch, err := kube.Watch(i.t.Context(), &corev1.SecretList{}, client.InNamespace(i.namespace))
	if err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(watch.Stop)
	h := &ledgerHistory{values: map[string]map[string]bool{}, told: map[string]bool{}}
	go func() {
		for event := range watch.ResultChan() {
			if secret, ok := event.Object.(*corev1.Secret); ok {
				h.add(secret)
			}
		}
	}()
	return h
}

// add takes what another set of credentials holds for values of the same fields: it is to be, or was, the one that serves.
func (h *ledgerHistory) add(secret *corev1.Secret) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told[secret.ResourceVersion] = true
	for _, field := range credentialFields {
		for _, key := range []string{field, "other" + strings.ToUpper(field[:1]) + field[1:]} {
			if value := string(secret.Data[key]); value != "" {
				name := secret.Name + "/" + field
				if h.values[name] == nil {
					h.values[name] = map[string]bool{}
				}
				h.values[name][value] = true
			}
		}
	}
}

// credentialFields are the secrets of which each rotation makes another.
var credentialFields = []string{"migratePassword", "appPassword", "secretAccessKey", "redisPassword"}

// mustHaveHad makes sure of how many credentials of each kind a ledger has listed in its life.
func (h *ledgerHistory) mustHaveHad(t *testing.T, ledger *corev1.Secret, want int) {
	t.Helper()
	eventually(t, patience, func(context.Context) error {
		h.mu.Lock()
		defer h.mu.Unlock()
		if !h.told[ledger.ResourceVersion] {
			return errors.New("the watch has not told of the ledger as it is")
		}
		return nil
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, field := range credentialFields {
		if had := len(h.values[ledger.Name+"/"+field]); had != want {
			t.Errorf("%s has had %d values, want %d", field, had, want)
		}
	}
}

// mustHaveOnce makes sure that all that a vault has outside and inside is there once, with the logins of one set.
func (i *installation) mustHaveOnce(vault *v1alpha1.DocVault, set string) {
	i.t.Helper()
	mustWork(i.t, i.ledger(vault)) // and there is one
	want := everythingOutside(i.identityOf(vault))
	for n := range want {
		if name, ok := strings.CutSuffix(want[n], "_a"); ok {
			want[n] = name + "_" + set
		}
	}
	if made := i.outside(vault); !slices.Equal(made, want) {
		i.t.Errorf("on the backends are %q, want %q", made, want)
	}
	if jobs := i.jobs(vault); len(jobs) != 1 {
		i.t.Errorf("there are %d migration Jobs, want one", len(jobs))
	}
}
