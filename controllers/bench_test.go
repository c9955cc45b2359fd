package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// BenchmarkApply measures the time from applying a DocVault to the last of its objects being there (the API's Service) and to
// Ready, on real Postgres and MinIO; nodes are simulated, so pods take no time to start. Alone, and twenty vaults at once.
func BenchmarkApply(b *testing.B) {
	for _, atOnce := range []int{1, 20} {
		b.Run(fmt.Sprintf("vaults=%d", atOnce), func(b *testing.B) {
			i := install(b)
			i.start()
			var applied, ready []time.Duration
			for b.Loop() {
				for range 20 / atOnce {
					a, r := i.timeVaults(atOnce)
					applied, ready = append(applied, a...), append(ready, r...)
				}
			}
			b.ReportMetric(median(applied).Seconds(), "s/applied-p50")
			b.ReportMetric(slices.Max(applied).Seconds(), "s/applied-max")
			b.ReportMetric(median(ready).Seconds(), "s/ready-p50")
			b.ReportMetric(slices.Max(ready).Seconds(), "s/ready-max")
		})
	}
}

// timeVaults makes vaults together, and returns how long each took to have all its objects, and to be Ready.
func (i *installation) timeVaults(n int) (applied, ready []time.Duration) {
	i.t.Helper()
	var vaults []*v1alpha1.DocVault
	for range n {
		vaults = append(vaults, i.newVault("acme"))
	}
	started := time.Now()
	for _, vault := range vaults {
		i.create(vault)
	}
	waiting := slices.Clone(vaults)
	eventually(i.t, 5*time.Minute, func(ctx context.Context) error {
		waiting = slices.DeleteFunc(waiting, func(vault *v1alpha1.DocVault) bool {
			if i.kube.Get(ctx, client.ObjectKey{Namespace: vault.Namespace, Name: "acme-api"}, &corev1.Service{}) != nil {
				return false
			}
			applied = append(applied, time.Since(started))
			return true
		})
		if len(waiting) > 0 {
			return errors.New("not all objects are there")
		}
		return nil
	})
	for _, vault := range vaults {
		i.awaitReady(vault)
		ready = append(ready, time.Since(started))
	}
	return applied, ready
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
