package desired

import (
	"cmp"
	"net"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	metaac "k8s.io/client-go/applyconfigurations/meta/v1"
	networkingac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/runtime/config"
)

const httpsPort = 443

type (
	policy   = networkingac.NetworkPolicyApplyConfiguration
	incoming = networkingac.NetworkPolicyIngressRuleApplyConfiguration
	outgoing = networkingac.NetworkPolicyEgressRuleApplyConfiguration
	peer     = networkingac.NetworkPolicyPeerApplyConfiguration
)

// NetworkPolicies returns who may talk to the vault's pods, and with whom these may: none when the vault's owner wants none.
func NetworkPolicies(in Input) []*policy {
	if enabled := in.Vault.Spec.NetworkPolicy.Enabled; enabled != nil && !*enabled {
		return nil
	}
	policies := []*policy{
		networkPolicy(in, v1alpha1.ComponentMigrate, nil, slices.Concat(dns(), reach(in.Ledger.Postgres.Host, in.Ledger.Postgres.Port))),
		networkPolicy(in, v1alpha1.ComponentWorker, []*incoming{scrapes()}, runtimeReaches(in)),
		networkPolicy(in, v1alpha1.ComponentAPI, []*incoming{apiVisitors(in), scrapes()}, runtimeReaches(in)),
	}
	if in.Ledger.ExternalRedis == nil {
		policies = append(policies, networkPolicy(in, v1alpha1.ComponentRedis, redisVisitors(in), nil))
	}
	return policies
}

// networkPolicy lets nothing in or out of a component's pods but what is listed.
func networkPolicy(in Input, component string, from []*incoming, to []*outgoing) *policy {
	return networkingac.NetworkPolicy(in.Vault.Name+"-"+component, in.Vault.Namespace).
		WithLabels(labels(in, component)).
		WithOwnerReferences(owner(in)).
		WithSpec(networkingac.NetworkPolicySpec().
			WithPodSelector(metaac.LabelSelector().WithMatchLabels(selector(in, component))).
			WithPolicyTypes(networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress).
			WithIngress(from...).
			WithEgress(to...))
}

// apiVisitors are who the vault's owner says; else anybody where there is a way from outside, and the own namespace where not.
func apiVisitors(in Input) *incoming {
	rule := networkingac.NetworkPolicyIngressRule().WithPorts(policyPort(corev1.ProtocolTCP, config.APIPort))
	service := cmp.Or(corev1.ServiceType(in.Vault.Spec.API.Service.Type), corev1.ServiceTypeClusterIP)
	switch from := in.Vault.Spec.NetworkPolicy.APIFrom; {
	case len(from) > 0:
		rule.From = *asApplied[[]peer](from)
	case Routed(in.Vault) || service != corev1.ServiceTypeClusterIP:
		// No list of peers is everybody.
	default:
		rule.WithFrom(networkingac.NetworkPolicyPeer().WithPodSelector(metaac.LabelSelector()))
	}
	return rule
}

// scrapes lets all pods of the cluster read metrics: they hold numbers, and who collects them is the cluster's affair.
func scrapes() *incoming {
	return networkingac.NetworkPolicyIngressRule().
		WithFrom(networkingac.NetworkPolicyPeer().WithNamespaceSelector(metaac.LabelSelector())).
		WithPorts(policyPort(corev1.ProtocolTCP, config.MetricsPort))
}

// redisVisitors are the vault's own pods, and the operator, which changes Redis's users while it runs.
func redisVisitors(in Input) []*incoming {
	mine := selector(in, "")
	delete(mine, v1alpha1.LabelComponent)
	return []*incoming{networkingac.NetworkPolicyIngressRule().
		WithFrom(
			networkingac.NetworkPolicyPeer().WithPodSelector(metaac.LabelSelector().
				WithMatchLabels(mine).
				WithMatchExpressions(metaac.LabelSelectorRequirement().
					WithKey(v1alpha1.LabelComponent).
					WithOperator(metav1.LabelSelectorOpIn).
					WithValues(v1alpha1.ComponentAPI, v1alpha1.ComponentWorker))),
			inNamespace(in.Operator.Namespace)).
		WithPorts(policyPort(corev1.ProtocolTCP, redisPort))}
}

// runtimeReaches is what API and workers talk to: the vault's servers, and whoever files documents. Providers may also be set in the
// vault itself, where the operator does not see them: those at the port of HTTPS are reached.
func runtimeReaches(in Input) []*outgoing {
	rules := slices.Concat(
		dns(),
		reach(in.Ledger.Postgres.Host, in.Ledger.Postgres.Port),
		reachURL(in.Ledger.ObjectStore.Endpoint),
		reachRedis(in),
		[]*outgoing{networkingac.NetworkPolicyEgressRule().WithPorts(policyPort(corev1.ProtocolTCP, httpsPort))})
	if provider := in.Vault.Spec.Classification.BaseURL; provider != "" {
		return append(rules, reachURL(provider)...)
	}
	return rules
}

func reachRedis(in Input) []*outgoing {
	if external := in.Ledger.ExternalRedis; external != nil {
		return reach(external.Host, external.Port)
	}
	return []*outgoing{networkingac.NetworkPolicyEgressRule().
		WithTo(networkingac.NetworkPolicyPeer().WithPodSelector(
			metaac.LabelSelector().WithMatchLabels(selector(in, v1alpha1.ComponentRedis)))).
		WithPorts(policyPort(corev1.ProtocolTCP, redisPort))}
}

// reach lets pods talk to a server: at its port anywhere, as a name is no address; and, in the cluster, to all that runs in its
// namespace, as the port of a Service need not be the one that its pods listen on, which is what counts.
func reach(host, number string) []*outgoing {
	rules := []*outgoing{networkingac.NetworkPolicyEgressRule().WithPorts(
		networkingac.NetworkPolicyPort().WithProtocol(corev1.ProtocolTCP).WithPort(intstr.Parse(number)))}
	if namespace := namespaceOf(host); namespace != "" {
		rules = append(rules, networkingac.NetworkPolicyEgressRule().WithTo(inNamespace(namespace)))
	}
	return rules
}

func reachURL(server string) []*outgoing {
	address, _ := hostPort(server)
	host, number, err := net.SplitHostPort(address)
	if err != nil {
		return nil // the patterns of the fields let no such URL in
	}
	return reach(host, number)
}

// namespaceOf returns the namespace of a host that is a Service's name, empty for others.
func namespaceOf(host string) string {
	name, _ := strings.CutSuffix(strings.TrimSuffix(host, "."), ".cluster.local")
	labels := strings.Split(name, ".")
	if last := len(labels) - 1; last >= 2 && labels[last] == "svc" {
		return labels[last-1]
	}
	return ""
}

// dns lets pods resolve names, at servers that may be anywhere. OpenShift's listen on another port than their Service.
func dns() []*outgoing {
	rule := networkingac.NetworkPolicyEgressRule()
	for _, number := range []int32{53, 5353} {
		rule.WithPorts(policyPort(corev1.ProtocolUDP, number), policyPort(corev1.ProtocolTCP, number))
	}
	return []*outgoing{rule}
}

func policyPort(protocol corev1.Protocol, number int32) *networkingac.NetworkPolicyPortApplyConfiguration {
	return networkingac.NetworkPolicyPort().WithProtocol(protocol).WithPort(intstr.FromInt32(number))
}

func inNamespace(name string) *peer {
	return networkingac.NetworkPolicyPeer().WithNamespaceSelector(
		metaac.LabelSelector().WithMatchLabels(map[string]string{corev1.LabelMetadataName: name}))
}
