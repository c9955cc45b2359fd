package desired

import (
	"cmp"
	"fmt"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	networkingac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/docvault/docvault/api/v1alpha1"
)

const (
	longestHost  = 253
	longestLabel = 63 // of a host
)

// Routed reports whether the vault is to be reached from outside, under a host.
func Routed(vault *v1alpha1.DocVault) bool {
	return vault.Spec.Route.Ingress != nil || vault.Spec.Route.Gateway != nil
}

// Host returns the host under which a vault that has a route is reached.
// Errors: there is none, or DNS has no room for it. They tell the vault's owner what to do.
func Host(in Input) (string, error) {
	host := in.Vault.Spec.Route.Host
	if host == "" && in.Class != nil {
		host = HostOf(in.Class.Spec.HostTemplate, in.Vault)
	}
	if host == "" {
		return "", fmt.Errorf("spec.route has no host, and the class has no hostTemplate: set spec.route.host to one that the class allows")
	}
	if len(host) > longestHost {
		return "", fmt.Errorf("the host %s has %d letters, and DNS allows %d: set a shorter spec.route.host", host, len(host), longestHost)
	}
	for label := range strings.SplitSeq(host, ".") {
		if len(label) > longestLabel {
			return "", fmt.Errorf("%s in the host %s has %d letters, and DNS allows %d between two dots: set a shorter spec.route.host",
				label, host, len(label), longestLabel)
		}
	}
	return host, nil
}

// URL returns where the vault's API is reached: through its route if it has one that works, else inside the cluster. A Gateway is
// taken to speak TLS, which only its own owner can tell; an Ingress does when it has a certificate.
func URL(in Input) string {
	route := in.Vault.Spec.Route
	host, err := Host(in)
	switch {
	case err == nil && route.Ingress != nil && route.Ingress.TLSSecretName == "":
		return "http://" + host
	case err == nil && (route.Ingress != nil || route.Gateway != nil && in.Observed.GatewayAPI):
		return "https://" + host
	}
	return "http://" + apiName(in) + "." + in.Vault.Namespace + ".svc"
}

// Ingress returns the Ingress that leads a host to the vault, nil when none is wanted. The vault limits uploads itself and takes
// them as they come, so the controller most in use, which allows 1 MiB and stores it first, is told to do neither.
func Ingress(in Input) *networkingac.IngressApplyConfiguration {
	wanted := in.Vault.Spec.Route.Ingress
	host, err := Host(in)
	if wanted == nil || err != nil {
		return nil
	}
	spec := networkingac.IngressSpec().WithRules(networkingac.IngressRule().
		WithHost(host).
		WithHTTP(networkingac.HTTPIngressRuleValue().WithPaths(networkingac.HTTPIngressPath().
			WithPath("/").
			WithPathType(networkingv1.PathTypePrefix).
			WithBackend(networkingac.IngressBackend().WithService(networkingac.IngressServiceBackend().
				WithName(apiName(in)).
				WithPort(networkingac.ServiceBackendPort().WithName("http")))))))
	if wanted.ClassName != "" {
		spec.WithIngressClassName(wanted.ClassName)
	}
	if wanted.TLSSecretName != "" {
		spec.WithTLS(networkingac.IngressTLS().WithHosts(host).WithSecretName(wanted.TLSSecretName))
	}
	return networkingac.Ingress(apiName(in), in.Vault.Namespace).
		WithLabels(labels(in, v1alpha1.ComponentAPI)).
		WithAnnotations(map[string]string{
			"nginx.ingress.kubernetes.io/proxy-body-size":         "0",
			"nginx.ingress.kubernetes.io/proxy-request-buffering": "off",
		}).
		WithAnnotations(wanted.Annotations).
		WithOwnerReferences(owner(in)).
		WithSpec(spec)
}

// HTTPRoute returns the route by which Gateways lead a host to the vault, nil when none is wanted, or the Gateway API is not
// installed.
func HTTPRoute(in Input) *unstructured.Unstructured {
	wanted := in.Vault.Spec.Route.Gateway
	host, err := Host(in)
	if wanted == nil || err != nil || !in.Observed.GatewayAPI {
		return nil
	}
	var parents []any
	for _, gateway := range wanted.ParentRefs {
		parent := map[string]any{
			"group":     "gateway.networking.k8s.io",
			"kind":      "Gateway",
			"name":      gateway.Name,
			"namespace": cmp.Or(gateway.Namespace, in.Vault.Namespace),
		}
		if gateway.SectionName != "" {
			parent["sectionName"] = gateway.SectionName
		}
		parents = append(parents, parent)
	}
	return custom(in, "gateway.networking.k8s.io/v1", "HTTPRoute", apiName(in), v1alpha1.ComponentAPI, map[string]any{
		"parentRefs": parents,
		"hostnames":  []any{host},
		"rules": []any{map[string]any{
			"matches": []any{map[string]any{"path": map[string]any{"type": "PathPrefix", "value": "/"}}},
			"backendRefs": []any{map[string]any{
				"group": "", "kind": "Service", "name": apiName(in), "port": int64(80), "weight": int64(1),
			}},
		}},
	})
}
