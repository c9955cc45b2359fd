package controllers

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	networkingac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/controllers/desired"
)

// applyNetworkPolicies comes before the pods. Policies that are not wanted any more go at once: they may be what keeps pods from
// becoming ready.
func (p *pass) applyNetworkPolicies(ctx context.Context) (time.Duration, error) {
	for _, policy := range desired.NetworkPolicies(p.input) {
		if err := p.apply(ctx, policy); err != nil {
			return 0, err
		}
	}
	for _, component := range []string{
		v1alpha1.ComponentRedis, v1alpha1.ComponentMigrate, v1alpha1.ComponentWorker, v1alpha1.ComponentAPI,
	} {
		if err := p.retire(ctx, component, "NetworkPolicy"); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// applyRoute leads a host to the API. A route that cannot be made holds up nothing: the vault is reached inside the cluster.
func (p *pass) applyRoute(ctx context.Context) (time.Duration, error) {
	if ingress := desired.Ingress(p.input); ingress != nil {
		p.routeErr = p.applyIngress(ctx, ingress)
	}
	if route := desired.HTTPRoute(p.input); route != nil {
		p.routeErr = p.apply(ctx, custom{route})
	}
	p.judgeRoute()
	return 0, p.retire(ctx, v1alpha1.ComponentAPI, "Ingress", httpRoute.Kind)
}

// applyIngress makes an Ingress anew that is to go back to the cluster's default class: that is given to new ones alone.
func (p *pass) applyIngress(ctx context.Context, wanted *networkingac.IngressApplyConfiguration) error {
	live := p.observed.ingress(*wanted.GetName())
	if live == nil || wanted.Spec.IngressClassName != nil || !p.owns(live) {
		return p.apply(ctx, wanted)
	}
	owned, err := networkingac.ExtractIngress(live, FieldOwner)
	if err != nil {
		return fmt.Errorf("read the owned fields of Ingress %s: %w", live.Name, err)
	}
	if owned.Spec != nil && owned.Spec.IngressClassName != nil {
		if err := p.remove(ctx, live); err != nil {
			return fmt.Errorf("remove Ingress %s of the old class: %w", live.Name, err)
		}
		delete(p.observed.children, childKeyOf(wanted))
	}
	return p.apply(ctx, wanted)
}

// judgeRoute says of a vault that has a route whether it is made.
func (p *pass) judgeRoute() {
	if !desired.Routed(p.vault) {
		meta.RemoveStatusCondition(&p.vault.Status.Conditions, v1alpha1.ConditionRouteReady)
		return
	}
	host, err := desired.Host(p.input)
	switch {
	case err != nil:
		refused := refuse(v1alpha1.ReasonInvalidSpec, "%v", err)
		p.routeErr = refused
		p.set(v1alpha1.ConditionRouteReady, isFalse(refused.reason, refused.message))
	case p.routeErr != nil:
		p.set(v1alpha1.ConditionRouteReady, isFalse(v1alpha1.ReasonRouteRefused,
			"the route to "+host+" cannot be made: "+p.routeErr.Error()))
	case p.vault.Spec.Route.Ingress != nil:
		p.set(v1alpha1.ConditionRouteReady, isTrue(v1alpha1.ReasonRouted,
			fmt.Sprintf("Ingress %s leads %s to the vault", p.childName(v1alpha1.ComponentAPI), host)))
	case !p.input.Observed.GatewayAPI:
		p.set(v1alpha1.ConditionRouteReady, isFalse(v1alpha1.ReasonGatewayAPINotInstalled,
			"the cluster has no HTTPRoute of gateway.networking.k8s.io/v1: install the Gateway API, or use spec.route.ingress. "+
				"The vault is reached inside the cluster only"))
	default:
		p.set(v1alpha1.ConditionRouteReady, gatewayRoute(p.observed.httpRoute(p.childName(v1alpha1.ComponentAPI)), host))
	}
}

// gatewayRoute tells what the Gateways say of a route. One that none has looked at yet may be of a controller that does not run.
func gatewayRoute(route *unstructured.Unstructured, host string) verdict {
	if route == nil {
		return isFalse(v1alpha1.ReasonProgressing, "the HTTPRoute was made; no Gateway has taken it yet")
	}
	parents, _, err := unstructured.NestedSlice(route.Object, "status", "parents")
	if err != nil || len(parents) == 0 {
		return isFalse(v1alpha1.ReasonProgressing,
			"no Gateway has taken HTTPRoute "+route.GetName()+" yet: see that those in spec.route.gateway.parentRefs exist and are served")
	}
	for _, parent := range parents {
		if refused := refusedBy(parent); refused != "" {
			return isFalse(v1alpha1.ReasonRouteRefused, "a Gateway refuses HTTPRoute "+route.GetName()+": "+refused)
		}
	}
	return isTrue(v1alpha1.ReasonRouted, "HTTPRoute "+route.GetName()+" leads "+host+" to the vault")
}

// refusedBy returns what a Gateway has against a route, empty when it has nothing.
func refusedBy(parent any) string {
	fields, _ := parent.(map[string]any)
	conditions, _, _ := unstructured.NestedSlice(fields, "conditions")
	for _, condition := range conditions {
		c, _ := condition.(map[string]any)
		if (c["type"] == "Accepted" || c["type"] == "ResolvedRefs") && c["status"] == "False" {
			return fmt.Sprintf("%v: %v", c["reason"], c["message"])
		}
	}
	return ""
}

// url is where the vault is reached. A pass that did not come to its class leaves it as it was.
func (p *pass) url() string {
	if p.class == nil && p.vault.Status.URL != "" {
		return p.vault.Status.URL
	}
	vault := p.vault
	if p.routeErr != nil {
		vault = vault.DeepCopy()
		vault.Spec.Route = v1alpha1.RouteSpec{}
	}
	return desired.URL(desired.Input{
		Vault: vault, Class: p.class, Observed: desired.Observed{GatewayAPI: p.observed.installed[httpRoute]},
	})
}
