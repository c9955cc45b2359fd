package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// The leader of two replicas dies, or is stopped as by a machine that hangs, while it makes vaults. The other takes over and finishes
// them with the credentials that they have. Where the first one comes back it ends, and does no harm before that.
func TestAnotherReplicaTakesOver(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"from one that dies": syscall.SIGKILL, "from one that hangs": syscall.SIGSTOP} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kube := adminClient(t)
			namespace := create(t, kube, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "docvault-system-"}}).Name
			user := grant(t, kube, namespace, vaultsRole, classesRole, classStatusRole)
			class := createClass(t, kube, namespace)
			first := startOperator(t, namespace, class.Spec.ControllerName, user)
			holder := awaitLeader(t, kube, first, namespace, "")
			second := startOperator(t, namespace, class.Spec.ControllerName, user)
			var vaults []*v1alpha1.DocVault
			for range 4 {
				vaults = append(vaults, createVault(t, kube, class.Name, newTenant(t, kube)))
			}
			await(t, first, func(ctx context.Context) error {
				if len(ledgersIn(ctx, kube, namespace)) == 0 {
					return errors.New("nothing is being made")
				}
				return nil
			})
			if err := first.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			before := ledgersIn(t.Context(), kube, namespace)
			if allReady(t, kube, vaults) {
				t.Error("all vaults were Ready before the leader was gone: this test proves nothing")
			}
			awaitLeader(t, kube, second, namespace, holder)
			for _, vault := range vaults {
				await(t, second, func(ctx context.Context) error { return isReady(ctx, kube, vault) })
			}
			if signal == syscall.SIGSTOP {
				first.mustEndAfterItsReturn(t)
			}
			mustKeepCredentials(t, before, ledgersIn(t.Context(), kube, namespace), len(vaults))
			for _, vault := range vaults {
				await(t, second, func(ctx context.Context) error { return isReady(ctx, kube, vault) })
				followToTheEnd(t, kube, second, vault)
			}
			second.end(t)
		})
	}
}

// awaitLeader waits until an operator holds the lease that is not the one before, and returns its name.
func awaitLeader(t *testing.T, kube client.Client, operator *program, namespace, before string) string {
	t.Helper()
	lease := &coordinationv1.Lease{}
	await(t, operator, func(ctx context.Context) error {
		if err := kube.Get(ctx, client.ObjectKey{Namespace: namespace, Name: leaseName}, lease); err != nil {
			return err
		}
		if holder := lease.Spec.HolderIdentity; holder == nil || *holder == "" || *holder == before {
			return fmt.Errorf("nobody else than %q leads", before)
		}
		return nil
	})
	return *lease.Spec.HolderIdentity
}

// ledgersIn returns the ledgers of a namespace by their names; none, where they cannot be read.
func ledgersIn(ctx context.Context, kube client.Client, namespace string) map[string]corev1.Secret {
	list := &corev1.SecretList{}
	ledgers := map[string]corev1.Secret{}
	if kube.List(ctx, list, client.InNamespace(namespace), client.MatchingLabels{v1alpha1.LabelComponent: "ledger"}) == nil {
		for _, ledger := range list.Items {
			ledgers[ledger.Name] = ledger
		}
	}
	return ledgers
}

func allReady(t *testing.T, kube client.Client, vaults []*v1alpha1.DocVault) bool {
	t.Helper()
	for _, vault := range vaults {
		if err := kube.Get(t.Context(), client.ObjectKeyFromObject(vault), vault); err != nil {
			t.Fatal(err)
		}
		if !meta.IsStatusConditionTrue(vault.Status.Conditions, v1alpha1.ConditionReady) {
			return false
		}
	}
	return true
}

// mustEndAfterItsReturn lets a stopped program go on, which has lost its lease and says so.
func (p *program) mustEndAfterItsReturn(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	stuck := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	err := p.cmd.Wait()
	stuck.Stop()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFailed || !strings.Contains(p.log.String(), "leader election lost") {
		t.Errorf("the operator that came back ended with %v:\n%s", err, p.log)
	}
}

// mustKeepCredentials makes sure that each vault has one ledger, and that those that there were have the credentials that they had.
func mustKeepCredentials(t *testing.T, before, after map[string]corev1.Secret, vaults int) {
	t.Helper()
	if len(after) != vaults {
		t.Errorf("there are %d ledgers of %d vaults", len(after), vaults)
	}
	for name, ledger := range before {
		for _, key := range []string{
			"migratePassword", "appPassword", "objectStoreUserSecret", "secretAccessKey", "redisPassword", "secretKey", "token",
		} {
			if was := string(ledger.Data[key]); was == "" || string(after[name].Data[key]) != was {
				t.Errorf("the %s of %s was changed", key, name)
			}
		}
	}
}
