package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

func httpRoute() *unstructured.Unstructured { return other(gatewayAPI, "v1", "HTTPRoute") }

// allowing has the class take what the tests of routes, Services and pods set.
func (i *installation) allowing() {
	i.t.Helper()
	i.edit(i.class, func() {
		i.class.Spec.Allow = v1alpha1.AllowSpec{
			Hosts: []string{"*.acme.example", "*.*.acme.example"}, ServiceAnnotations: []string{"*"}, IngressAnnotations: []string{"*"},
			Tolerations: true, PriorityClasses: []string{"system-cluster-critical"},
		}
	})
}

func TestARouteLeadsToTheVault(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.allowing()
	i.start()
	vault := i.readyVault("acme", func(vault *v1alpha1.DocVault) {
		vault.Spec.Route = v1alpha1.RouteSpec{Host: "docs.acme.example", Ingress: &v1alpha1.IngressRoute{}}
	})
	inside := "http://acme-api." + vault.Namespace + ".svc"
	i.await(vault, v1alpha1.ConditionRouteReady, metav1.ConditionTrue, v1alpha1.ReasonRouted)
	i.wantURL(vault, "http://docs.acme.example")
	i.edit(vault, func() { vault.Spec.Route.Ingress.TLSSecretName = "docs-tls" })
	i.awaitReady(vault)
	i.wantURL(vault, "https://docs.acme.example")

	i.edit(vault, func() {
		vault.Spec.Route.Ingress = nil
		vault.Spec.Route.Gateway = &v1alpha1.GatewayRoute{ParentRefs: []v1alpha1.GatewayReference{{Name: "public", Namespace: "gateways"}}}
	})
	i.await(vault, v1alpha1.ConditionRouteReady, metav1.ConditionFalse, v1alpha1.ReasonGatewayAPINotInstalled)
	i.awaitNot(vault, &networkingv1.Ingress{}, "acme-api")
	i.awaitReady(vault) // inside
	i.wantURL(vault, inside)

	i.effects.setInstalled(gatewayAPI, true)
	route := httpRoute()
	i.awaitThere(vault, route, "acme-api")
	i.await(vault, v1alpha1.ConditionRouteReady, metav1.ConditionFalse, v1alpha1.ReasonProgressing)
	i.wantURL(vault, "https://docs.acme.example")
	i.gatewaySays(route, "False", "NotAllowedByListeners")
	i.await(vault, v1alpha1.ConditionRouteReady, metav1.ConditionFalse, v1alpha1.ReasonRouteRefused)
	i.gatewaySays(route, "True", "Accepted")
	i.await(vault, v1alpha1.ConditionRouteReady, metav1.ConditionTrue, v1alpha1.ReasonRouted)

	i.edit(vault, func() { vault.Spec.Route = v1alpha1.RouteSpec{} })
	i.awaitNot(vault, httpRoute(), "acme-api")
	i.awaitReady(vault)
	i.wantURL(vault, inside)
	if c := meta.FindStatusCondition(vault.Status.Conditions, v1alpha1.ConditionRouteReady); c != nil {
		t.Errorf("a vault without a route says of it: %s", c.Message)
	}
}

func (i *installation) wantURL(vault *v1alpha1.DocVault, want string) {
	i.t.Helper()
	if vault.Status.URL != want {
		i.t.Errorf("the URL is %s, want %s", vault.Status.URL, want)
	}
}

// gatewaySays writes a route's status as a Gateway's controller does.
func (i *installation) gatewaySays(route *unstructured.Unstructured, status, reason string) {
	i.t.Helper()
	before := route.DeepCopy()
	route.Object["status"] = map[string]any{"parents": []any{map[string]any{
		"parentRef":      map[string]any{"name": "public"},
		"controllerName": "example.com/gateway",
		"conditions":     []any{map[string]any{"type": "Accepted", "status": status, "reason": reason, "message": "says the test"}},
	}}}
	if err := i.kube.Status().Patch(i.t.Context(), route, client.MergeFrom(before)); err != nil {
		i.t.Fatal(err)
	}
}

func TestARouteWithoutAHostIsRefusedAndTheVaultServesInside(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.allowing()
	i.start()
	vault := i.newVault("acme")
	vault.Spec.Route.Ingress = &v1alpha1.IngressRoute{}
	i.create(vault)
	i.await(vault, v1alpha1.ConditionRouteReady, metav1.ConditionFalse, v1alpha1.ReasonInvalidSpec)
	i.await(vault, v1alpha1.ConditionAPIAvailable, metav1.ConditionTrue, "")
	i.await(vault, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonInvalidSpec)
	// The class's template makes a host for it, and then one that DNS has no room for.
	i.edit(i.class, func() { i.class.Spec.HostTemplate = "{name}-{namespace}.vaults.example.com" })
	i.awaitReady(vault)
	i.wantURL(vault, "http://acme-"+vault.Namespace+".vaults.example.com")
	i.edit(i.class, func() { i.class.Spec.HostTemplate = "{name}-" + strings.Repeat("a", 59) + ".vaults.example.com" })
	i.await(vault, v1alpha1.ConditionRouteReady, metav1.ConditionFalse, v1alpha1.ReasonInvalidSpec)
	i.await(vault, v1alpha1.ConditionAPIAvailable, metav1.ConditionTrue, "")
	i.edit(vault, func() { vault.Spec.Route.Host = "docs.acme.example" })
	i.awaitReady(vault)
	i.wantURL(vault, "http://docs.acme.example")
}

// A route that cannot be made is told, and holds up nothing else.
func TestARouteThatCannotBeMadeHoldsUpNothing(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.allowing()
	i.start()
	vault := i.newVault("acme")
	vault.Spec.Route = v1alpha1.RouteSpec{Host: "docs.acme.example", Ingress: &v1alpha1.IngressRoute{}}
	gracious(0)(vault)
	foreign := named(&networkingv1.Ingress{}, vault.Namespace, "acme-api")
	foreign.Spec.DefaultBackend = &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
		Name: "other", Port: networkingv1.ServiceBackendPort{Number: 80},
	}}
	i.create(foreign)
	i.create(vault)
	i.await(vault, v1alpha1.ConditionRouteReady, metav1.ConditionFalse, v1alpha1.ReasonRouteRefused)
	i.await(vault, v1alpha1.ConditionAPIAvailable, metav1.ConditionTrue, "")
	i.wantURL(vault, "http://acme-api."+vault.Namespace+".svc")
	i.ask(vault, v1alpha1.AnnotationRotate, "1")
	i.awaitRotation(vault, 1, "ended", "")

	if err := i.kube.Delete(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	i.awaitReady(vault)
	i.await(vault, v1alpha1.ConditionRouteReady, metav1.ConditionTrue, v1alpha1.ReasonRouted)
	i.wantURL(vault, "http://docs.acme.example")
}

// Only the objects are looked at: nothing enforces them here.
func TestNetworkPoliciesAreThereUnlessTheyAreNotWanted(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	policies := &networkingv1.NetworkPolicyList{}
	count := func(want int) {
		t.Helper()
		eventually(t, patience, func(ctx context.Context) error {
			if err := i.kube.List(ctx, policies, client.InNamespace(vault.Namespace)); err != nil {
				return err
			}
			if len(policies.Items) != want {
				return fmt.Errorf("%d NetworkPolicies, want %d", len(policies.Items), want)
			}
			return nil
		})
	}
	count(4)
	for _, policy := range policies.Items {
		if len(policy.Spec.PolicyTypes) != 2 {
			t.Errorf("%s does not close both ways", policy.Name)
		}
		if policy.Name == "acme-redis" && policy.Spec.Ingress[0].From[1].NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"] != i.namespace {
			t.Error("the operator cannot reach Redis")
		}
	}
	i.edit(vault, func() { vault.Spec.NetworkPolicy.Enabled = new(false) })
	count(0)
	i.awaitReady(vault)
	i.edit(vault, func() { vault.Spec.NetworkPolicy.Enabled = nil })
	count(4)
	i.awaitReady(vault)
}

// The class of an Ingress that names none is the cluster's default, which is given to new ones alone.
func TestAnIngressGoesBackToTheDefaultClass(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.allowing()
	i.start()
	vault := i.readyVault("acme", func(vault *v1alpha1.DocVault) {
		vault.Spec.Route = v1alpha1.RouteSpec{Host: "docs.acme.example", Ingress: &v1alpha1.IngressRoute{ClassName: "inner"}}
	})
	ingress := &networkingv1.Ingress{}
	i.get(ingress, vault.Namespace, "acme-api")
	first := ingress.UID
	i.edit(vault, func() { vault.Spec.Route.Ingress.ClassName = "" })
	i.awaitObject(ingress, func() error {
		if ingress.UID == first {
			return errors.New("the Ingress is the one that was made for a class")
		}
		return nil
	})
	i.awaitReady(vault)
	i.mustBeSettled(vault)
}
