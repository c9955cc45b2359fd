package desired

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/docvault/docvault/api/v1alpha1"
)

// APIService returns where the vault's API is reached: port 80, named http. Ports of nodes and addresses of load balancers are
// the cluster's to choose.
func APIService(in Input) *coreac.ServiceApplyConfiguration {
	return coreac.Service(apiName(in), in.Vault.Namespace).
		WithLabels(labels(in, v1alpha1.ComponentAPI)).
		WithAnnotations(in.Vault.Spec.API.Service.Annotations).
		WithOwnerReferences(owner(in)).
		WithSpec(coreac.ServiceSpec().
			WithType(cmp.Or(corev1.ServiceType(in.Vault.Spec.API.Service.Type), corev1.ServiceTypeClusterIP)).
			WithSelector(selector(in, v1alpha1.ComponentAPI)).
			WithPorts(coreac.ServicePort().
				WithName("http").
				WithProtocol(corev1.ProtocolTCP).
				WithPort(80).
				WithTargetPort(intstr.FromString("http"))))
}
