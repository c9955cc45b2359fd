package v1alpha1

import (
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RouteSpec says under which host the API and the page are reached from outside.
//
// +kubebuilder:validation:XValidation:rule="!has(self.ingress) || !has(self.gateway)",message="a route goes through an ingress or a gateway, not both"
type RouteSpec struct {
	// Host under which the vault is reached. Only hosts that the class allows. Default: the class's hostTemplate, if it has one.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*)?$`
	// +optional
	Host string `json:"host,omitempty"`

	// Ingress has an Ingress lead to the vault.
	// +optional
	Ingress *IngressRoute `json:"ingress,omitempty"`

	// Gateway has an HTTPRoute lead to the vault, where the Gateway API is installed.
	// +optional
	Gateway *GatewayRoute `json:"gateway,omitempty"`
}

// IngressRoute is an Ingress that leads to the vault.
type IngressRoute struct {
	// ClassName of the Ingress. Default: the cluster's default ingress class.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	ClassName string `json:"className,omitempty"`

	// Annotations of the Ingress, as its controller reads them. Only those that the class allows.
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`

	// TLSSecretName is a Secret of type kubernetes.io/tls in the vault's namespace. Default: without TLS.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	TLSSecretName string `json:"tlsSecretName,omitempty"`
}

// GatewayRoute is an HTTPRoute that leads to the vault.
type GatewayRoute struct {
	// ParentRefs are the Gateways that the route hangs on.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +listType=atomic
	ParentRefs []GatewayReference `json:"parentRefs"`
}

// GatewayReference names a Gateway.
type GatewayReference struct {
	// Name of the Gateway.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// Namespace of the Gateway. Default: the vault's.
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Namespace string `json:"namespace,omitempty"`

	// SectionName is the Gateway's listener. Default: all that match.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	SectionName string `json:"sectionName,omitempty"`
}

// NetworkPolicySpec says who may talk to the vault's pods.
type NetworkPolicySpec struct {
	// Enabled makes NetworkPolicies: the API is reached as apiFrom says, Redis from the vault's own pods only, and the pods reach
	// no more than they need. Default: true.
	// +optional
	Enabled *bool `json:"enabled,omitempty"`

	// APIFrom are the peers that may reach the API. Default: anybody where a route is set, else the vault's own namespace.
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:XValidation:rule="self.all(peer, has(peer.ipBlock) ? !has(peer.podSelector) && !has(peer.namespaceSelector) : has(peer.podSelector) || has(peer.namespaceSelector))",message="a peer is an ipBlock, or a podSelector, a namespaceSelector or both"
	// +listType=atomic
	// +optional
	APIFrom []networkingv1.NetworkPolicyPeer `json:"apiFrom,omitempty"`
}

// RotationSpec says how often credentials are made anew, and how long the old ones still work.
//
// +kubebuilder:validation:XValidation:rule="!has(self.period) || duration(self.period) >= duration('1h')",message="period must be at least 1h"
// +kubebuilder:validation:XValidation:rule="!has(self.gracePeriod) || duration(self.gracePeriod) <= duration('720h')",message="gracePeriod must be at most 720h"
// +kubebuilder:validation:XValidation:rule="!has(self.period) || duration(self.period) > (has(self.gracePeriod) ? duration(self.gracePeriod) : duration('1h'))",message="gracePeriod (default 1h) must be shorter than period"
type RotationSpec struct {
	// Period after which credentials are made anew, for example 720h; at least 1h. Default: on request only.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +optional
	Period *metav1.Duration `json:"period,omitempty"`

	// GracePeriod is how long the old credentials still work once nothing of the vault uses them any more. The old key of the
	// object store works for at least the 24 hours that a download link may last. Default: 1h.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +optional
	GracePeriod *metav1.Duration `json:"gracePeriod,omitempty"`
}
