package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// APISpec is what is wanted of the REST API.
type APISpec struct {
	// Replicas is how many pods serve the API. With autoscaling it counts for nothing. Default: 1.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`

	// Autoscaling has a HorizontalPodAutoscaler choose how many pods serve the API.
	// +optional
	Autoscaling *APIAutoscaling `json:"autoscaling,omitempty"`

	// MaxUploadSize is the largest file taken, for example 500Mi; at most 64Gi. Default: 1Gi.
	// +kubebuilder:validation:XValidation:rule="string(self).matches('^[0-9.]{1,20}([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?$') && quantity(string(self)).compareTo(quantity('1')) >= 0 && quantity(string(self)).compareTo(quantity('64Gi')) <= 0",message="maxUploadSize must be from one byte to 64Gi"
	// +optional
	MaxUploadSize *resource.Quantity `json:"maxUploadSize,omitempty"`

	// Resources of an API container.
	// +kubebuilder:validation:XValidation:rule="!has(self.claims) || self.claims.size() == 0",message="claims are not taken: pods have no resourceClaims"
	// +optional
	Resources corev1.ResourceRequirements `json:"resources,omitempty"`

	// Template is what else the API's pods have.
	// +optional
	Template PodTemplate `json:"template,omitempty"`

	// Service through which the API is reached.
	// +optional
	Service ServiceSpec `json:"service,omitempty"`
}

// APIAutoscaling says between how many pods, and by what, the API is scaled.
//
// +kubebuilder:validation:XValidation:rule="!has(self.minReplicas) || self.minReplicas <= self.maxReplicas",message="minReplicas cannot be more than maxReplicas"
type APIAutoscaling struct {
	// MinReplicas is how many pods there are at least. Default: 1.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +optional
	MinReplicas *int32 `json:"minReplicas,omitempty"`

	// MaxReplicas is how many pods there are at most.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MaxReplicas int32 `json:"maxReplicas"`

	// TargetCPUUtilizationPercentage is how busy the pods are to be on average, in percent of the CPU that they request.
	// Default: 80.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	TargetCPUUtilizationPercentage *int32 `json:"targetCPUUtilizationPercentage,omitempty"`
}

// ServiceSpec is what is wanted of the API's Service.
type ServiceSpec struct {
	// Type of the Service: ClusterIP (default), NodePort or LoadBalancer.
	// +optional
	Type ServiceType `json:"type,omitempty"`

	// Annotations of the Service, as load balancers read them. Only those that the class allows.
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`
}

// ServiceType says from where the API's Service can be reached.
//
// +kubebuilder:validation:Enum=ClusterIP;NodePort;LoadBalancer
type ServiceType string

// WorkerSpec is what is wanted of the workers.
type WorkerSpec struct {
	// Replicas is how many worker pods there are. `kubectl scale` changes it. With autoscaling it counts for nothing. Default: 1.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`

	// Autoscaling chooses how many worker pods there are: by the length of the queue with KEDA where it is installed, else by CPU with
	// a HorizontalPodAutoscaler.
	// +optional
	Autoscaling *WorkerAutoscaling `json:"autoscaling,omitempty"`

	// Concurrency is how many documents one worker reads at once. Default: 2.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=64
	// +optional
	Concurrency *int32 `json:"concurrency,omitempty"`

	// OCRLanguages are the languages that text on images is read in, as tesseract calls them. The image brings eng, deu and fra.
	// Default: [eng].
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MaxLength=32
	// +kubebuilder:validation:items:Pattern=`^[A-Za-z]+(_[A-Za-z]+)*$`
	// +listType=set
	// +optional
	OCRLanguages []string `json:"ocrLanguages,omitempty"`

	// Resources of a worker container.
	// +kubebuilder:validation:XValidation:rule="!has(self.claims) || self.claims.size() == 0",message="claims are not taken: pods have no resourceClaims"
	// +optional
	Resources corev1.ResourceRequirements `json:"resources,omitempty"`

	// Template is what else the workers' pods have.
	// +optional
	Template PodTemplate `json:"template,omitempty"`
}

// WorkerAutoscaling says between how many pods, and by what, the workers are scaled.
//
// +kubebuilder:validation:XValidation:rule="!has(self.minReplicas) || self.minReplicas <= self.maxReplicas",message="minReplicas cannot be more than maxReplicas"
type WorkerAutoscaling struct {
	// MinReplicas is how many worker pods there are at least. Zero needs KEDA: without it one is the least. Default: 1.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	// +optional
	MinReplicas *int32 `json:"minReplicas,omitempty"`

	// MaxReplicas is how many worker pods there are at most.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MaxReplicas int32 `json:"maxReplicas"`

	// QueueDepth is how many waiting tasks one worker pod is wanted for, with KEDA. Default: 20.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	// +optional
	QueueDepth *int32 `json:"queueDepth,omitempty"`
}

// PodTemplate is what pods have beyond what the operator gives them.
type PodTemplate struct {
	// Annotations of the pods, besides the operator's own.
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(key, !key.startsWith('docvault.io/'))",message="annotations under docvault.io/ are the operator's"
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`

	// Labels of the pods, besides the operator's own.
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(key, !key.startsWith('docvault.io/') && !key.startsWith('app.kubernetes.io/'))",message="labels under app.kubernetes.io/ and docvault.io/ are the operator's"
	// +kubebuilder:validation:XValidation:rule="self.all(key, self[key].size() <= 63)",message="values are at most 63 letters long"
	// +optional
	Labels map[string]string `json:"labels,omitempty"`

	// NodeSelector has the pods run on nodes with these labels only.
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(key, self[key].size() <= 63)",message="values are at most 63 letters long"
	// +optional
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`

	// Tolerations let the pods run on nodes with these taints. Only where the class allows tolerations.
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`

	// Affinity says near or far from what the pods are to run.
	// +optional
	Affinity *corev1.Affinity `json:"affinity,omitempty"`

	// TopologySpreadConstraints say over what the pods are to be spread.
	// +kubebuilder:validation:MaxItems=8
	// +listType=map
	// +listMapKey=topologyKey
	// +listMapKey=whenUnsatisfiable
	// +optional
	TopologySpreadConstraints []corev1.TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty"`

	// PriorityClassName of the pods. Only those that the class allows.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	PriorityClassName string `json:"priorityClassName,omitempty"`
}

// StorageSpec is the volume of a Redis server.
type StorageSpec struct {
	// Size of the volume. It can only grow, where the storage class lets volumes grow. Default: the class's, else 1Gi.
	// +kubebuilder:validation:XValidation:rule="string(self).matches('^[0-9.]{1,20}([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?$') && quantity(string(self)).compareTo(quantity('1Mi')) >= 0",message="size must be at least 1Mi"
	// +optional
	Size *resource.Quantity `json:"size,omitempty"`

	// StorageClassName of the volume. Default: the class's, else the cluster's default. Immutable once set.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +optional
	StorageClassName *string `json:"storageClassName,omitempty"`
}
