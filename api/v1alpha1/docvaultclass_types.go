package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DocVaultClass says where vaults live and what their owners may set. It is written by the platform's owner. The Secrets that
// it names are in the operator's namespace. The annotation docvault.io/is-default-class: "true" makes it the class of vaults
// that name none.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,shortName=dvc,path=docvaultclasses
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name=Ready,type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name=Status,type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name=Vaults,type=integer,JSONPath=`.status.vaults`
// +kubebuilder:printcolumn:name=Age,type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name=Postgres,type=string,priority=1,JSONPath=`.spec.postgres.host`
// +kubebuilder:printcolumn:name=Store,type=string,priority=1,JSONPath=`.spec.objectStore.endpoint`
// +kubebuilder:printcolumn:name=Image,type=string,priority=1,JSONPath=`.spec.runtime.image`
type DocVaultClass struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is where vaults live.
	Spec DocVaultClassSpec `json:"spec"`
	// Status is what is.
	// +optional
	Status DocVaultClassStatus `json:"status,omitempty"`
}

// DocVaultClassSpec is where vaults live, their defaults and what their owners may set.
type DocVaultClassSpec struct {
	// ControllerName is the installation that serves this class, so that several can share a cluster. Immutable.
	// +kubebuilder:default="docvault.io/operator"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="controllerName is immutable: the installation that made the vaults must end them"
	// +optional
	ControllerName string `json:"controllerName,omitempty"`

	// Postgres is the server where the vaults' databases are.
	Postgres PostgresServer `json:"postgres"`

	// ObjectStore is the server where the vaults' buckets are.
	ObjectStore ObjectStoreServer `json:"objectStore"`

	// Redis says how the vaults' queue servers are made.
	// +optional
	Redis RedisDefaults `json:"redis,omitempty"`

	// Runtime says which image the vaults run.
	Runtime RuntimeDefaults `json:"runtime"`

	// HostTemplate makes the host of a vault that has a route and names no host: {name} and {namespace} stand for the vault's.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || (self.contains('{name}') && self.replace('{name}', 'a').replace('{namespace}', 'a').matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'))",message="hostTemplate must be a host name that holds {name}, such as {name}-{namespace}.vaults.example.com"
	// +optional
	HostTemplate string `json:"hostTemplate,omitempty"`

	// NamespaceSelector says whose vaults the class serves, by the labels of their namespaces. Default: all.
	// +optional
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector,omitempty"`

	// Limits are what a vault may ask for at most. Default: no limits.
	// +optional
	Limits LimitsSpec `json:"limits,omitempty"`

	// Allow is what a vault's owner may set beyond sizes. Default: nothing.
	// +optional
	Allow AllowSpec `json:"allow,omitempty"`
}

// PostgresServer is a Postgres server and how its admin connects.
type PostgresServer struct {
	// Host of the server, as the operator and the vaults' pods reach it. Immutable: the vaults' data is there.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9]([-A-Za-z0-9.:]*[A-Za-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="!self.contains(':') || self.matches('^[0-9A-Fa-f.]*(:[0-9A-Fa-f.]*){2,}$')",message="host has no port: that is its own field"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="host is immutable: the vaults' data is there"
	Host string `json:"host"`

	// Port of the server. Immutable.
	// +kubebuilder:default=5432
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="port is immutable: the vaults' data is there"
	// +optional
	Port int32 `json:"port,omitempty"`

	// SSLMode says how connections are secured, of the operator and of the vaults: disable, require (encrypted, the server is
	// not checked), verify-ca or verify-full (default).
	// +kubebuilder:default=verify-full
	// +optional
	SSLMode SSLMode `json:"sslMode,omitempty"`

	// CASecretRef names a Secret whose key ca.crt holds the authorities that sign the server's certificate. Default: the
	// image's own.
	// +optional
	CASecretRef *SecretReference `json:"caSecretRef,omitempty"`

	// AdminSecretRef names a Secret with the keys username and password. The admin need not be a superuser: CREATEDB and
	// CREATEROLE are enough.
	AdminSecretRef SecretReference `json:"adminSecretRef"`

	// ConnectionBudget is how many connections all vaults of the class may hold together. Pools are made as large as fits; a vault
	// that does not fit waits. Default: 0, pools go by the server's own limit less a reserve for others, and nobody waits.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	// +optional
	ConnectionBudget int32 `json:"connectionBudget,omitempty"`
}

// SSLMode says how a connection to Postgres is secured.
//
// +kubebuilder:validation:Enum=disable;require;verify-ca;verify-full
type SSLMode string

// The ways to secure a connection to Postgres; verify-full is the default.
const (
	SSLDisable    SSLMode = "disable"
	SSLRequire    SSLMode = "require"
	SSLVerifyCA   SSLMode = "verify-ca"
	SSLVerifyFull SSLMode = "verify-full"
)

// ObjectStoreServer is an object store and how its admin connects.
type ObjectStoreServer struct {
	// Endpoint is the URL of the store, without a path, as the operator and the vaults' pods reach it. Immutable: the vaults'
	// data is there.
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^https?://[^/@?#\s]+$`
	// +kubebuilder:validation:XValidation:rule="isURL(self) && !self.contains('*') && (url(self).getPort() == '' || (url(self).getPort().size() <= 5 && int(url(self).getPort()) >= 1 && int(url(self).getPort()) <= 65535))",message="endpoint must be a URL such as https://s3.example.com:9000"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="endpoint is immutable: the vaults' data is there"
	Endpoint string `json:"endpoint"`

	// PublicEndpoint is the URL of the store, without a path, as browsers reach it: download links are made for it. Default:
	// the endpoint.
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^https?://[^/@?#\s]+$`
	// +kubebuilder:validation:XValidation:rule="isURL(self) && !self.contains('*') && (url(self).getPort() == '' || (url(self).getPort().size() <= 5 && int(url(self).getPort()) >= 1 && int(url(self).getPort()) <= 65535))",message="publicEndpoint must be a URL such as https://s3.example.com:9000"
	// +optional
	PublicEndpoint string `json:"publicEndpoint,omitempty"`

	// Region of the store.
	// +kubebuilder:default=us-east-1
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Region string `json:"region,omitempty"`

	// CASecretRef names a Secret whose key ca.crt holds the authorities that sign the store's certificate. Default: the image's
	// own.
	// +optional
	CASecretRef *SecretReference `json:"caSecretRef,omitempty"`

	// AdminSecretRef names a Secret with the keys accessKey and secretKey.
	AdminSecretRef SecretReference `json:"adminSecretRef"`
}

// SecretReference names a Secret: of a class in the operator's namespace, of a vault in the vault's own.
type SecretReference struct {
	// Name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// RedisDefaults says how the vaults' queue servers are made.
type RedisDefaults struct {
	// Image of Redis 7. Default: redis:7-alpine.
	// +kubebuilder:default="redis:7-alpine"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Image string `json:"image,omitempty"`

	// Storage of new vaults that say nothing else. Default: 1Gi of the cluster's default storage class.
	// +optional
	Storage StorageSpec `json:"storage,omitempty"`
}

// RuntimeDefaults says which image the vaults run.
type RuntimeDefaults struct {
	// Image of vaults that say nothing else.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Image string `json:"image"`

	// PullSecrets are the names of image pull Secrets that the pods of all vaults name. The kubelet reads them in the vault's
	// namespace; they are put there by the platform's owner, the operator does not copy them.
	// +kubebuilder:validation:MaxItems=8
	// +listType=map
	// +listMapKey=name
	// +optional
	PullSecrets []corev1.LocalObjectReference `json:"pullSecrets,omitempty"`
}

// AllowSpec is what a vault's owner may set.
type AllowSpec struct {
	// Images that vaults may run besides the class's own: patterns like registry.example.com/docvault:*, where * stands for
	// any letters but a slash.
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	// +listType=set
	// +optional
	Images []string `json:"images,omitempty"`

	// Hosts that vaults may be reached under besides that of the hostTemplate: names, or patterns like *.acme.example, where * stands
	// for one label.
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	// +listType=set
	// +optional
	Hosts []string `json:"hosts,omitempty"`

	// ServiceAnnotations that vaults may set on their Service: keys, or patterns like example.com/*, where * stands for any letters.
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=317
	// +listType=set
	// +optional
	ServiceAnnotations []string `json:"serviceAnnotations,omitempty"`

	// IngressAnnotations that vaults may set on their Ingress, likewise.
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=317
	// +listType=set
	// +optional
	IngressAnnotations []string `json:"ingressAnnotations,omitempty"`

	// Tolerations lets vaults set tolerations of their pods.
	// +optional
	Tolerations bool `json:"tolerations,omitempty"`

	// PriorityClasses that vaults may give their pods.
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	// +listType=set
	// +optional
	PriorityClasses []string `json:"priorityClasses,omitempty"`

	// External are the backends that vaults may bring: redis, postgres, objectStore.
	// +kubebuilder:validation:MaxItems=3
	// +listType=set
	// +optional
	External []Backend `json:"external,omitempty"`
}

// Backend is a server that a vault needs.
//
// +kubebuilder:validation:Enum=redis;postgres;objectStore
type Backend string

// The backends of a vault.
const (
	BackendRedis       Backend = "redis"
	BackendPostgres    Backend = "postgres"
	BackendObjectStore Backend = "objectStore"
)

// LimitsSpec is what a vault may ask for at most.
type LimitsSpec struct {
	// API limits the REST API.
	// +optional
	API ReplicaLimit `json:"api,omitempty"`

	// Worker limits the workers.
	// +optional
	Worker ReplicaLimit `json:"worker,omitempty"`

	// MaxUploadSize is the most that api.maxUploadSize may be. It is also the default of vaults where that is less than 1Gi.
	// +kubebuilder:validation:XValidation:rule="string(self).matches('^[0-9.]{1,20}([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?$') && quantity(string(self)).compareTo(quantity('1')) >= 0 && quantity(string(self)).compareTo(quantity('64Gi')) <= 0",message="maxUploadSize must be from one byte to 64Gi"
	// +optional
	MaxUploadSize *resource.Quantity `json:"maxUploadSize,omitempty"`
}

// ReplicaLimit limits a number of pods.
type ReplicaLimit struct {
	// MaxReplicas is the most that replicas, or autoscaling.maxReplicas, may be.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +optional
	MaxReplicas *int32 `json:"maxReplicas,omitempty"`
}

// DocVaultClassStatus is what is.
type DocVaultClassStatus struct {
	// ObservedGeneration is the generation of the spec that this status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Vaults is how many vaults are bound to the class. One in use is not deleted.
	// +optional
	Vaults int32 `json:"vaults"`

	// Conditions: Accepted, PostgresReachable, ObjectStoreReachable, Ready.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// DocVaultClassList is a list of DocVaultClasses.
//
// +kubebuilder:object:root=true
type DocVaultClassList struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []DocVaultClass `json:"items"`
}
