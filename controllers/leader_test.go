package controllers_test

import (
	"context"
	"errors"
	"testing"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/docvault/docvault/api/v1alpha1"
)

// The leader cannot renew its lease and can do everything else: it has ended before another begins, and changes nothing any more. The
// vaults that it was making are finished by the other. (What a leader does that is killed, or stopped and comes back, is in
// cmd/docvault-operator.)
func TestALeaderWithoutItsLeaseEndsBeforeAnotherBegins(t *testing.T) {
	t.Parallel()
	i := install(t)
	leases := ctrl.Options{
		LeaderElection: true, LeaderElectionID: "operator", LeaderElectionNamespace: i.namespace, LeaderElectionReleaseOnCancel: true,
		LeaseDuration: new(15 * time.Second), RenewDeadline: new(10 * time.Second), RetryPeriod: new(time.Second),
	}
	first, second := newEffects(), newEffects()
	stopFirst, firstEnded := i.run(first, leases)
	i.stop = stopFirst
	vault := i.readyVault("acme")
	stopSecond, _ := i.run(second, leases)
	i.stop = func() { stopFirst(); stopSecond() }
	before, _ := second.seen()

	first.setAway(lease, true)
	vaults := []*v1alpha1.DocVault{vault}
	eventually(t, patience, func(context.Context) error {
		// There is always something to do.
		i.edit(vault, func() { vault.Annotations = map[string]string{"test.docvault.io/poke": unique("poke")} })
		if len(vaults) < 4 {
			vaults = append(vaults, i.newVault("acme"))
			i.create(vaults[len(vaults)-1])
		}
		if passes, _ := second.seen(); passes == before {
			return errors.New("nobody has taken over")
		}
		return nil
	})
	select {
	case <-firstEnded:
	default:
		t.Error("the first operator had not ended when the second began")
	}
	passes, _ := first.seen()
	made := first.count()
	if passes == 0 || made == 0 {
		t.Error("the first operator did nothing: this test proves nothing")
	}
	i.edit(vault, func() { vault.Spec.Worker.Replicas = new(int32(2)) })
	for _, v := range vaults {
		i.awaitReady(v)
		mustWork(t, i.ledger(v))
	}
	if now, _ := first.seen(); now != passes || first.count() != made {
		t.Errorf("the first operator went on: %d passes and\n%s", now-passes, first.since(made))
	}
	if second.count() == 0 {
		t.Error("the second operator made nothing")
	}
}
