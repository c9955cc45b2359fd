package controllers

import (
	"cmp"
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// censusTimeout bounds a scrape. The census asks caches alone, and finds them filled.
const censusTimeout = 5 * time.Second

var (
	vaultsDesc = prometheus.NewDesc("docvault_operator_vaults",
		"Vaults by condition, its status and its reason.", []string{"condition", "status", "reason"}, nil)
	unreadyDesc = prometheus.NewDesc("docvault_operator_unready_seconds",
		"For how long the vault that has been unready the longest has been so.", nil, nil)
	deletingDesc = prometheus.NewDesc("docvault_operator_deleting_seconds",
		"For how long the vault that has been going the longest has been so.", nil, nil)
	classReadyDesc = prometheus.NewDesc("docvault_operator_class_ready",
		"Whether vaults can be made in a class.", []string{"class"}, nil)
	classVaultsDesc = prometheus.NewDesc("docvault_operator_class_vaults",
		"Vaults that are bound to a class.", []string{"class"}, nil)
	backendUpDesc = prometheus.NewDesc("docvault_operator_backend_up",
		"Whether a class's server answered when it was last asked.", []string{"class", "backend"}, nil)
)

// census tells, at each scrape, what the caches hold of the installation's vaults and classes. Only the replica that works tells:
// sums over replicas are right.
type census struct {
	*DocVaultReconciler
	working <-chan struct{} // closed when this replica works
}

// Describe implements prometheus.Collector.
func (c *census) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{vaultsDesc, unreadyDesc, deletingDesc, classReadyDesc, classVaultsDesc, backendUpDesc} {
		descs <- desc
	}
}

// Collect implements prometheus.Collector. What could not be listed is left out.
func (c *census) Collect(told chan<- prometheus.Metric) {
	select {
	case <-c.working:
	default:
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), censusTimeout)
	defer cancel()
	classes := &v1alpha1.DocVaultClassList{}
	if err := c.List(ctx, classes, client.UnsafeDisableDeepCopy); err != nil {
		return
	}
	vaults := &v1alpha1.DocVaultList{}
	if err := c.List(ctx, vaults, client.UnsafeDisableDeepCopy); err != nil {
		return
	}
	others := c.tellClasses(told, classes.Items)
	tellVaults(told, vaults.Items, others, time.Now())
	for _, b := range c.backends.states() {
		told <- gauge(backendUpDesc, truth(b.up), b.class, b.backend)
	}
}

// tellClasses returns the names of the classes that are other installations'.
func (c *census) tellClasses(told chan<- prometheus.Metric, classes []v1alpha1.DocVaultClass) (others map[string]bool) {
	others = map[string]bool{}
	for i := range classes {
		class := &classes[i]
		if class.Spec.ControllerName != c.ControllerName {
			others[class.Name] = true
			continue
		}
		ready := meta.IsStatusConditionTrue(class.Status.Conditions, v1alpha1.ConditionReady)
		told <- gauge(classReadyDesc, truth(ready), class.Name)
		told <- gauge(classVaultsDesc, float64(class.Status.Vaults), class.Name)
	}
	return others
}

func tellVaults(told chan<- prometheus.Metric, vaults []v1alpha1.DocVault, others map[string]bool, now time.Time) {
	type kind struct{ condition, status, reason string }
	counts := map[kind]int{}
	var unready, deleting time.Duration
	for i := range vaults {
		vault := &vaults[i]
		if others[cmp.Or(vault.Status.ClassName, vault.Spec.ClassName)] {
			continue
		}
		for _, c := range conditionsOf(vault) {
			counts[kind{c.Type, string(c.Status), c.Reason}]++
		}
		unready = max(unready, unreadyFor(vault, now))
		if vault.DeletionTimestamp != nil {
			deleting = max(deleting, now.Sub(vault.DeletionTimestamp.Time))
		}
	}
	for k, n := range counts {
		told <- gauge(vaultsDesc, float64(n), k.condition, k.status, k.reason)
	}
	told <- gauge(unreadyDesc, unready.Seconds())
	told <- gauge(deletingDesc, deleting.Seconds())
}

// conditionsOf has every vault be counted under Ready, one that nobody has looked at yet as well.
func conditionsOf(vault *v1alpha1.DocVault) []metav1.Condition {
	if len(vault.Status.Conditions) > 0 {
		return vault.Status.Conditions
	}
	return []metav1.Condition{{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonNotStarted,
		LastTransitionTime: vault.CreationTimestamp,
	}}
}

// unreadyFor is 0 of a vault that serves, or that nobody wants to: suspended, or on its way out.
func unreadyFor(vault *v1alpha1.DocVault, now time.Time) time.Duration {
	ready := meta.FindStatusCondition(conditionsOf(vault), v1alpha1.ConditionReady)
	if ready == nil || ready.Status == metav1.ConditionTrue || vault.Spec.Suspend || vault.DeletionTimestamp != nil {
		return 0
	}
	return now.Sub(ready.LastTransitionTime.Time)
}

func gauge(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
