package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	appsac "k8s.io/client-go/applyconfigurations/apps/v1"
	autoscalingac "k8s.io/client-go/applyconfigurations/autoscaling/v2"
	batchac "k8s.io/client-go/applyconfigurations/batch/v1"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"
	networkingac "k8s.io/client-go/applyconfigurations/networking/v1"
	policyac "k8s.io/client-go/applyconfigurations/policy/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// FieldOwner is the one name under which the operator owns fields of the objects that it applies.
const FieldOwner = "docvault-operator"

// errNotOurs says that an object of a child's name exists which this vault did not make. It is left as it is.
var errNotOurs = errors.New("exists and does not belong to this vault; remove or rename it")

// applyConfiguration is what all generated apply configurations have in common.
type applyConfiguration interface {
	runtime.ApplyConfiguration
	GetAPIVersion() *string
	GetKind() *string
	GetName() *string
	GetNamespace() *string
}

// apply makes the API server agree with each of the wanted objects, in order. What agrees already costs no request.
func (p *pass) apply(ctx context.Context, wanted ...applyConfiguration) error {
	for _, object := range wanted {
		if err := p.applyOne(ctx, object); err != nil {
			return fmt.Errorf("apply %s %s: %w", *object.GetKind(), *object.GetName(), err)
		}
	}
	return nil
}

func (p *pass) applyOne(ctx context.Context, wanted applyConfiguration) error {
	live, err := p.liveObject(ctx, wanted)
	if err != nil {
		return err
	}
	p.wanted[childKeyOf(wanted)] = true
	var asked reply
	if live != nil {
		same, err := agrees(live, wanted)
		if same || err != nil || time.Since(p.replies.last(live, wanted)) < resync/2 {
			return err
		}
		if asked, err = replyOf(live, wanted); err != nil {
			return err
		}
	}
	request := onTheWire(wanted)
	err = p.Apply(ctx, request, client.FieldOwner(FieldOwner), client.ForceOwnership)
	switch {
	case apierrors.IsInvalid(err): // it follows from the spec, so no retry helps
		return refuse(v1alpha1.ReasonInvalidSpec, "the API server does not take %s %s as the spec has it: %v",
			*wanted.GetKind(), *wanted.GetName(), err)
	case err != nil:
		return err
	case live == nil || versionOf(request) != live.GetResourceVersion():
		p.doing = fmt.Sprintf("%s %s was changed", *wanted.GetKind(), *wanted.GetName())
		p.changed[childKeyOf(wanted)] = true
	case p.replies.keep(live.GetUID(), asked):
		ctrl.LoggerFrom(ctx).Info("the API server leaves an object otherwise than it is asked for, as where a webhook changes it",
			"kind", *wanted.GetKind(), "name", *wanted.GetName())
	}
	return nil
}

// liveObject returns the object that is there under the wanted one's name, nil when there is none, errNotOurs when it is not
// this vault's. Forced server-side apply would take over whatever it meets, so what the cache does not know (it holds only
// what bears our label) is asked of the API server itself before it is made.
func (p *pass) liveObject(ctx context.Context, wanted applyConfiguration) (client.Object, error) {
	if known, ok := p.observed.children[childKeyOf(wanted)]; ok {
		return known, p.mustOwn(known)
	}
	live, err := p.newObject(wanted)
	if err != nil {
		return nil, err
	}
	err = p.live.Get(ctx, client.ObjectKey{Namespace: *wanted.GetNamespace(), Name: *wanted.GetName()}, live)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := p.mustOwn(live); err != nil {
		return nil, err
	}
	p.observed.children[childKeyOf(wanted)] = live // one whose labels were removed serves all the same
	return live, nil
}

func (p *pass) mustOwn(live client.Object) error {
	if !p.owns(live) {
		return errNotOurs
	}
	return nil
}

// owns reports whether the vault made an object: it controls it, or somebody removed the reference that says so, and the operator's
// fields are still in it.
func (p *pass) owns(live client.Object) bool {
	if metav1.GetControllerOf(live) != nil {
		return metav1.IsControlledBy(live, p.vault)
	}
	return slices.ContainsFunc(live.GetManagedFields(), func(entry metav1.ManagedFieldsEntry) bool {
		return entry.Manager == FieldOwner && entry.Operation == metav1.ManagedFieldsOperationApply
	})
}

func (p *pass) newObject(wanted applyConfiguration) (client.Object, error) {
	gvk := schema.FromAPIVersionAndKind(*wanted.GetAPIVersion(), *wanted.GetKind())
	if _, ok := wanted.(custom); ok {
		object := &unstructured.Unstructured{}
		object.SetGroupVersionKind(gvk)
		return object, nil
	}
	object, err := p.Scheme().New(gvk)
	if err != nil {
		return nil, err
	}
	return object.(client.Object), nil
}

// agrees reports whether the fields that we own in the live object are those that we want, with the values that we want. A
// field that somebody else changed is not ours any more, so every drift shows as a difference; what others added never does.
func agrees(live client.Object, wanted applyConfiguration) (bool, error) {
	owned, err := ownedFields(live)
	if err != nil {
		return false, fmt.Errorf("read the owned fields: %w", err)
	}
	if c, ok := wanted.(custom); ok {
		wanted = c.comparable()
	}
	return equality.Semantic.DeepEqual(owned, wanted), nil
}

// settledAs reports whether an object agrees, or the API server has left it as it is when it was asked for this.
func (p *pass) settledAs(live client.Object, wanted applyConfiguration) (bool, error) {
	same, err := agrees(live, wanted)
	return same || !p.replies.last(live, wanted).IsZero(), err
}

// ownedFields returns what FieldOwner applied to a live object and still owns, one line for each kind of child.
func ownedFields(live client.Object) (runtime.ApplyConfiguration, error) {
	switch o := live.(type) {
	case *corev1.Secret:
		return coreac.ExtractSecret(o, FieldOwner)
	case *corev1.ConfigMap:
		return coreac.ExtractConfigMap(o, FieldOwner)
	case *corev1.Service:
		return coreac.ExtractService(o, FieldOwner)
	case *appsv1.StatefulSet:
		return appsac.ExtractStatefulSet(o, FieldOwner)
	case *appsv1.Deployment:
		return appsac.ExtractDeployment(o, FieldOwner)
	case *batchv1.Job:
		return batchac.ExtractJob(o, FieldOwner)
	case *autoscalingv2.HorizontalPodAutoscaler:
		return autoscalingac.ExtractHorizontalPodAutoscaler(o, FieldOwner)
	case *policyv1.PodDisruptionBudget:
		return policyac.ExtractPodDisruptionBudget(o, FieldOwner)
	case *networkingv1.NetworkPolicy:
		return networkingac.ExtractNetworkPolicy(o, FieldOwner)
	case *networkingv1.Ingress:
		return networkingac.ExtractIngress(o, FieldOwner)
	case *unstructured.Unstructured:
		return ownedCustom(o)
	}
	return nil, fmt.Errorf("no apply configuration is known for %T", live)
}

// prune removes the children that no part of the vault wants any more. The UID makes sure that what was judged is what goes.
func (p *pass) prune(ctx context.Context) error {
	for key := range p.observed.children {
		if err := p.pruneOne(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// retire removes of the children that serve a component those of some kinds that it does not have any more, at once: in prune's
// time they would do harm.
func (p *pass) retire(ctx context.Context, component string, kinds ...string) error {
	for _, kind := range kinds {
		if err := p.pruneOne(ctx, childKey{kind: kind, name: p.childName(component)}); err != nil {
			return err
		}
	}
	return nil
}

func (p *pass) pruneOne(ctx context.Context, key childKey) error {
	child, there := p.observed.children[key]
	if !there || p.wanted[key] || !p.owns(child) || !child.GetDeletionTimestamp().IsZero() {
		return nil
	}
	if err := p.remove(ctx, child); err != nil {
		return fmt.Errorf("prune %s %s: %w", key.kind, key.name, err)
	}
	return nil
}

// remove deletes one object and, in the background, what it owns.
func (p *pass) remove(ctx context.Context, object client.Object) error {
	uid := object.GetUID()
	return client.IgnoreNotFound(p.Delete(ctx, object,
		client.Preconditions{UID: &uid}, client.PropagationPolicy(metav1.DeletePropagationBackground)))
}
