package controllers

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/docvault/docvault/api/v1alpha1"
)

// observed is what the cluster holds of a vault, read once at the start of a pass. What the pass writes does not change it.
type observed struct {
	// children are all objects in the vault's namespace that bear its labels, whoever made them.
	children map[childKey]client.Object
	// installed are the kinds of children that others bring.
	installed installedKinds
}

// childKey names a child; all are in the vault's namespace.
type childKey struct {
	kind string
	name string
}

func childKeyOf(wanted applyConfiguration) childKey {
	return childKey{kind: *wanted.GetKind(), name: *wanted.GetName()}
}

// childLists are the kinds of children but for those that others bring. The volume claim of Redis is none: the StatefulSet makes it,
// and it may outlive the vault.
func childLists() []client.ObjectList {
	return []client.ObjectList{
		&corev1.SecretList{},
		&corev1.ConfigMapList{},
		&corev1.ServiceList{},
		&appsv1.StatefulSetList{},
		&appsv1.DeploymentList{},
		&batchv1.JobList{},
		&autoscalingv2.HorizontalPodAutoscalerList{},
		&policyv1.PodDisruptionBudgetList{},
		&networkingv1.NetworkPolicyList{},
		&networkingv1.IngressList{},
	}
}

// observe looks at all of it or, with an error, at nothing: what was not seen is unknown, not absent.
func (p *pass) observe(ctx context.Context) (time.Duration, error) {
	seen, err := p.look(ctx)
	if err != nil {
		for _, kind := range childConditions {
			p.set(kind, unknown(v1alpha1.ReasonUnobserved, "the vault's objects could not be read; it is tried again"))
		}
		return 0, fmt.Errorf("observe: %w", err)
	}
	p.observed = seen
	return 0, nil
}

func (p *pass) look(ctx context.Context) (*observed, error) {
	seen := &observed{children: map[childKey]client.Object{}, installed: p.extensions.now()}
	options := []client.ListOption{client.InNamespace(p.vault.Namespace), vaultLabels(p.vault)}
	for _, list := range childLists() {
		if err := p.List(ctx, list, options...); err != nil {
			return nil, err
		}
		if err := seen.add(list, p.Scheme()); err != nil {
			return nil, err
		}
	}
	brought, err := p.extensions.children(ctx, seen.installed, options...)
	for _, child := range brought {
		seen.children[childKey{kind: child.GetObjectKind().GroupVersionKind().Kind, name: child.GetName()}] = child
	}
	return seen, err
}

func (o *observed) add(list client.ObjectList, scheme *runtime.Scheme) error {
	return meta.EachListItem(list, func(item runtime.Object) error {
		child := item.(client.Object)
		gvk, err := apiutil.GVKForObject(child, scheme)
		if err != nil {
			return err
		}
		o.children[childKey{kind: gvk.Kind, name: child.GetName()}] = child
		return nil
	})
}

// vaultLabels select everything of one vault in its namespace.
func vaultLabels(vault *v1alpha1.DocVault) client.MatchingLabels {
	return client.MatchingLabels{
		v1alpha1.LabelManagedBy: v1alpha1.ManagedBy,
		v1alpha1.LabelInstance:  vault.Name,
	}
}

// deployment returns a Deployment of the vault, nil when there is none.
func (o *observed) deployment(name string) *appsv1.Deployment {
	found, _ := o.children[childKey{kind: "Deployment", name: name}].(*appsv1.Deployment)
	return found
}

func (o *observed) statefulSet(name string) *appsv1.StatefulSet {
	found, _ := o.children[childKey{kind: "StatefulSet", name: name}].(*appsv1.StatefulSet)
	return found
}

func (o *observed) job(name string) *batchv1.Job {
	found, _ := o.children[childKey{kind: "Job", name: name}].(*batchv1.Job)
	return found
}

func (o *observed) ingress(name string) *networkingv1.Ingress {
	found, _ := o.children[childKey{kind: "Ingress", name: name}].(*networkingv1.Ingress)
	return found
}

func (o *observed) httpRoute(name string) *unstructured.Unstructured {
	found, _ := o.children[childKey{kind: httpRoute.Kind, name: name}].(*unstructured.Unstructured)
	return found
}
