package scale_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// atOnce is how many requests the benchmark itself makes at a time.
const atOnce = 16

// durations are how long each of many vaults took, sorted.
type durations struct {
	each []time.Duration
	last time.Duration
}

func (d durations) quantile(q float64) time.Duration { return d.each[int(q*float64(len(d.each)-1))] }

// makeVaults makes n vaults, half of them in each class, and waits until all are Ready and settled.
func (i *installation) makeVaults(n int) durations {
	i.b.Helper()
	var vaults []*v1alpha1.DocVault
	for k := range n {
		vaults = append(vaults, i.newVault(i.classes[k%2]))
	}
	return i.makeAll(vaults)
}

func (i *installation) makeVaultsIn(class *v1alpha1.DocVaultClass, n int) durations {
	i.b.Helper()
	var vaults []*v1alpha1.DocVault
	for range n {
		vaults = append(vaults, i.newVault(class))
	}
	return i.makeAll(vaults)
}

func (i *installation) newVault(class *v1alpha1.DocVaultClass) *v1alpha1.DocVault {
	vault := &v1alpha1.DocVault{
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("vault-%d", len(i.vaults)), Namespace: i.namespace},
		Spec:       v1alpha1.DocVaultSpec{ClassName: class.Name, DeletionPolicy: v1alpha1.DeletionDelete},
	}
	i.vaults = append(i.vaults, vault)
	return vault
}

// makeAll creates vaults and waits for all. How long one took counts from its own creation.
func (i *installation) makeAll(vaults []*v1alpha1.DocVault) durations {
	i.b.Helper()
	i.inParallel(vaults, i.makeVolume)
	started := time.Now()
	ready := i.watch(isSettled)
	var mu sync.Mutex
	at := map[string]time.Time{}
	i.inParallel(vaults, func(ctx context.Context, vault *v1alpha1.DocVault) error {
		mu.Lock()
		at[vault.Name] = time.Now()
		mu.Unlock()
		return i.kube.Create(ctx, vault)
	})
	d := durations{}
	for name, when := range ready.await(names(vaults)) {
		d.each = append(d.each, when.Sub(at[name]))
		d.last = max(d.last, when.Sub(started))
	}
	slices.Sort(d.each)
	return d
}

func names(vaults []*v1alpha1.DocVault) []string {
	var all []string
	for _, vault := range vaults {
		all = append(all, vault.Name)
	}
	return all
}

func isSettled(vault *v1alpha1.DocVault) bool {
	conditions := vault.Status.Conditions
	return vault.Status.ObservedGeneration == vault.Generation && meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionReady) &&
		meta.IsStatusConditionFalse(conditions, v1alpha1.ConditionReconciling)
}

// watcher remembers when each vault was first seen as wanted.
type watcher struct {
	i    *installation
	mu   sync.Mutex
	seen map[string]time.Time
}

// watch begins to look at the vaults of the installation.
func (i *installation) watch(wanted func(*v1alpha1.DocVault) bool) *watcher {
	i.b.Helper()
	w := &watcher{i: i, seen: map[string]time.Time{}}
	events := i.openWatch()
	go func() {
		// The API server ends a watch that has fallen behind. Another begins with all vaults as they are.
		for ; events != nil; events = i.openWatch() {
			for event := range events.ResultChan() {
				if vault, ok := event.Object.(*v1alpha1.DocVault); ok && wanted(vault) {
					w.note(vault.Name)
				}
			}
		}
	}()
	return w
}

// openWatch returns nil when the benchmark has ended.
func (i *installation) openWatch() apiwatch.Interface {
	for i.b.Context().Err() == nil {
		events, err := i.kube.Watch(i.b.Context(), &v1alpha1.DocVaultList{}, client.InNamespace(i.namespace))
		if err == nil {
			return events
		}
		time.Sleep(time.Second)
	}
	return nil
}

func (w *watcher) note(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.seen[name]; !known {
		w.seen[name] = time.Now()
	}
}

// await returns when each of the named vaults was seen, once all were.
func (w *watcher) await(names []string) map[string]time.Time {
	w.i.b.Helper()
	seen := map[string]time.Time{}
	w.i.eventually(allSettled, func(context.Context) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, name := range names {
			when, ok := w.seen[name]
			if !ok {
				return fmt.Errorf("%s is not there yet; %d of %d are", name, len(seen), len(names))
			}
			seen[name] = when
		}
		return nil
	})
	return seen
}

// changeClass gives both classes another image, and returns how long it took until all vaults run it.
func (i *installation) changeClass() time.Duration {
	i.b.Helper()
	started := time.Now()
	changed := i.watch(func(vault *v1alpha1.DocVault) bool { return vault.Status.Version == "v0.2.0" && isSettled(vault) })
	for _, class := range i.classes {
		patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"runtime":{"image":"ghcr.io/docvault/docvault:v0.2.0"}}}`))
		if err := i.kube.Patch(i.b.Context(), class, patch); err != nil {
			i.b.Fatal(err)
		}
	}
	changed.await(names(i.vaults))
	return time.Since(started)
}

func (i *installation) removeVaults() time.Duration {
	i.b.Helper()
	started := time.Now()
	i.inParallel(i.vaults, func(ctx context.Context, vault *v1alpha1.DocVault) error {
		return client.IgnoreNotFound(i.kube.Delete(ctx, vault))
	})
	i.eventually(allSettled, func(ctx context.Context) error {
		left := &v1alpha1.DocVaultList{}
		if err := i.kube.List(ctx, left, client.InNamespace(i.namespace)); err != nil {
			return err
		}
		if len(left.Items) > 0 {
			return fmt.Errorf("%d vaults are left", len(left.Items))
		}
		return nil
	})
	i.vaults = nil
	return time.Since(started)
}

// databases counts the vaults' databases, of whatever installation: the benchmark runs alone.
func (i *installation) databases() int {
	return int(i.count("SELECT count(*) FROM pg_database WHERE datname LIKE 'dv\\_%'"))
}

// connections counts those of the operator: the vaults' pods are simulated and hold none.
func (i *installation) connections() float64 {
	return i.count("SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()")
}

func (i *installation) count(query string) float64 {
	i.b.Helper()
	conn, err := pgx.Connect(i.b.Context(), i.admin().String())
	if err != nil {
		i.b.Fatal(err)
	}
	defer conn.Close(context.Background())
	var n float64
	if err := conn.QueryRow(i.b.Context(), query).Scan(&n); err != nil {
		i.b.Fatal(err)
	}
	return n
}

// makeVolume makes the volume of a vault's Redis: the test cluster provisions none.
func (i *installation) makeVolume(ctx context.Context, vault *v1alpha1.DocVault) error {
	return i.kube.Create(ctx, &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: vault.Namespace + "-" + vault.Name},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
			AccessModes:                   []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			PersistentVolumeSource:        corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/nowhere"}},
			ClaimRef:                      &corev1.ObjectReference{Namespace: vault.Namespace, Name: "data-" + vault.Name + "-redis-0"},
		},
	})
}

func (i *installation) inParallel(vaults []*v1alpha1.DocVault, do func(context.Context, *v1alpha1.DocVault) error) {
	i.b.Helper()
	group, ctx := errgroup.WithContext(i.b.Context())
	group.SetLimit(atOnce)
	for _, vault := range vaults {
		group.Go(func() error { return do(ctx, vault) })
	}
	if err := group.Wait(); err != nil {
		i.b.Fatal(err)
	}
}
