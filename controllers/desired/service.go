package desired

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/docvault/docvault/api/v1alpha1"
)

// APIService returns where the vault's API is reached: port 80, named http.
func APIService(in Input) *coreac.ServiceApplyConfiguration {
	return coreac.Service(apiName(in), in.Vault.Namespace).
		WithLabels(labels(in, v1alpha1.ComponentAPI)).
		WithOwnerReferences(owner(in)).
		WithSpec(coreac.ServiceSpec().
			WithType(corev1.ServiceTypeClusterIP).
			WithSelector(selector(in, v1alpha1.ComponentAPI)).
			WithPorts(coreac.ServicePort().
				WithName("http").
				WithProtocol(corev1.ProtocolTCP).
				WithPort(80).
				WithTargetPort(intstr.FromString("http"))))
}

// URL returns where the vault's API is reached.
func URL(vault *v1alpha1.DocVault) string {
	return "http://" + vault.Name + "-api." + vault.Namespace + ".svc"
}
