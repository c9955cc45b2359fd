package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DocVault is one vault: a REST API and its workers, with a database and a bucket of its own on the servers of its class.
// An empty spec is valid.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=dv
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.worker.replicas,statuspath=.status.worker.replicas,selectorpath=.status.worker.selector
// +kubebuilder:printcolumn:name=Ready,type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name=Status,type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name=URL,type=string,JSONPath=`.status.url`
// +kubebuilder:printcolumn:name=Version,type=string,JSONPath=`.status.version`
// +kubebuilder:printcolumn:name=Age,type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name=Class,type=string,priority=1,JSONPath=`.status.className`
// +kubebuilder:printcolumn:name=Database,type=string,priority=1,JSONPath=`.status.database.name`
// +kubebuilder:printcolumn:name=Bucket,type=string,priority=1,JSONPath=`.status.bucket.name`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="metadata.name must be a DNS label that starts with a letter, of at most 40 characters: the names of its Services and pods are made from it"
// +kubebuilder:validation:XValidation:rule="!oldSelf.?status.className.hasValue() || oldSelf.status.className.size() == 0 || !self.?spec.className.hasValue() || self.spec.className == oldSelf.status.className",message="spec.className cannot name another class than the one that the vault is bound to (status.className)"
type DocVault struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what is wanted. Empty is fine: the class says the rest.
	// +kubebuilder:default={}
	// +optional
	Spec DocVaultSpec `json:"spec,omitempty"`
	// Status is what is.
	// +optional
	Status DocVaultStatus `json:"status,omitempty"`
}

// DocVaultSpec is what is wanted of a vault.
//
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.className) || (has(self.className) && self.className == oldSelf.className)",message="className is immutable: a vault's data does not move between classes"
// +kubebuilder:validation:XValidation:rule="!oldSelf.?redis.storage.size.hasValue() || (self.?redis.storage.size.hasValue() && string(self.redis.storage.size).matches('^[0-9.]{1,20}([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?$') && quantity(string(self.redis.storage.size)).compareTo(quantity(string(oldSelf.redis.storage.size))) >= 0)",message="redis.storage.size can only grow"
// +kubebuilder:validation:XValidation:rule="!oldSelf.?redis.storage.storageClassName.hasValue() || (self.?redis.storage.storageClassName.hasValue() && self.redis.storage.storageClassName == oldSelf.redis.storage.storageClassName)",message="redis.storage.storageClassName is immutable: a volume does not change its class"
// +kubebuilder:validation:XValidation:rule="oldSelf.?postgres.external.hasValue() == self.?postgres.external.hasValue()",message="postgres.external can be neither added nor removed: a vault's data does not move between servers"
// +kubebuilder:validation:XValidation:rule="oldSelf.?objectStore.external.hasValue() == self.?objectStore.external.hasValue()",message="objectStore.external can be neither added nor removed: a vault's data does not move between stores"
type DocVaultSpec struct {
	// ClassName is the DocVaultClass where the vault lives. Default: the class that is marked default when the vault is made.
	// Immutable once set, or once the vault is bound to a class.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +optional
	ClassName string `json:"className,omitempty"`

	// Suspend scales the API and the workers to zero. The data is kept.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// DeletionPolicy says what becomes of the data when the DocVault is deleted: database, bucket and Redis volume together.
	// Retain (the default) keeps them, and a DocVault of the same name in the same namespace finds them again, credentials
	// included. Delete removes them for good.
	// +optional
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`

	// Image is the runtime's image. Default: the class's. Others only if the class allows them.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Image string `json:"image,omitempty"`

	// API is the REST API and the web page.
	// +optional
	API APISpec `json:"api,omitempty"`

	// Worker is what reads and files the documents.
	// +optional
	Worker WorkerSpec `json:"worker,omitempty"`

	// Redis is the vault's own queue server. It holds nothing that is not in the database too.
	// +optional
	Redis RedisSpec `json:"redis,omitempty"`

	// Postgres is where the vault's database is. Default: on the class's server, made by the operator.
	// +optional
	Postgres PostgresSpec `json:"postgres,omitempty"`

	// ObjectStore is where the vault's bucket is. Default: in the class's store, made by the operator.
	// +optional
	ObjectStore ObjectStoreSpec `json:"objectStore,omitempty"`

	// Classification says how documents are filed until somebody sets it in the vault itself (its page, or PUT /api/settings).
	// +optional
	Classification ClassificationSpec `json:"classification,omitempty"`

	// Route says under which host the API and the page are reached from outside. Default: only inside the cluster.
	// +optional
	Route RouteSpec `json:"route,omitempty"`

	// NetworkPolicy says who may talk to the vault's pods.
	// +optional
	NetworkPolicy NetworkPolicySpec `json:"networkPolicy,omitempty"`

	// Rotation of the vault's credentials. Default: on request only, by the annotation docvault.io/rotate.
	// +optional
	Rotation *RotationSpec `json:"rotation,omitempty"`
}

// DeletionPolicy says what becomes of a vault's data when the vault is deleted.
//
// +kubebuilder:validation:Enum=Retain;Delete
type DeletionPolicy string

// The deletion policies; Retain is the default.
const (
	DeletionRetain DeletionPolicy = "Retain"
	DeletionDelete DeletionPolicy = "Delete"
)

// DocVaultStatus is what is.
type DocVaultStatus struct {
	// ObservedGeneration is the generation of the spec that this status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// ClassName is the class that the vault is bound to. It is bound before anything is made for it.
	// +optional
	ClassName string `json:"className,omitempty"`

	// URL where the API is reached.
	// +optional
	URL string `json:"url,omitempty"`

	// Version that serves, as the runtime's image is tagged.
	// +optional
	Version string `json:"version,omitempty"`

	// SchemaVersion is the version of the database's schema, as the last migration left it.
	// +optional
	SchemaVersion int64 `json:"schemaVersion,omitempty"`

	// Database of the vault.
	// +optional
	Database DatabaseStatus `json:"database,omitempty"`

	// Bucket of the vault.
	// +optional
	Bucket BucketStatus `json:"bucket,omitempty"`

	// Rotation of the vault's credentials.
	// +optional
	Rotation RotationStatus `json:"rotation,omitempty"`

	// Worker is what the scale subresource shows.
	// +optional
	Worker WorkerStatus `json:"worker,omitempty"`

	// Conditions: Ready, DatabaseReady, BucketReady, RedisReady, Migrated, WorkerAvailable, APIAvailable; and, abnormal when
	// true, Reconciling and Stalled. Whatever is not as it should be says in its message what is wrong and what to do.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// DatabaseStatus names a vault's database.
type DatabaseStatus struct {
	// Name of the database on the class's Postgres server; "external" of one that the vault's owner brings.
	// +optional
	Name string `json:"name,omitempty"`
	// AppRole is the role whose rights the API and the workers have.
	// +optional
	AppRole string `json:"appRole,omitempty"`
}

// BucketStatus names a vault's bucket.
type BucketStatus struct {
	// Name of the bucket in the class's object store; "external" of one that the vault's owner brings.
	// +optional
	Name string `json:"name,omitempty"`
}

// RotationStatus tells of the rotation of a vault's credentials.
type RotationStatus struct {
	// LastRotationTime is when new credentials were last made.
	// +optional
	LastRotationTime *metav1.Time `json:"lastRotationTime,omitempty"`
	// Generation counts the rotations; 0: the credentials are the first ones.
	// +optional
	Generation int64 `json:"generation,omitempty"`
}

// WorkerStatus is what the scale subresource shows.
type WorkerStatus struct {
	// Replicas is how many worker pods there are.
	// +optional
	Replicas int32 `json:"replicas,omitempty"`
	// Selector of the worker pods, for autoscalers.
	// +optional
	Selector string `json:"selector,omitempty"`
}

// DocVaultList is a list of DocVaults.
//
// +kubebuilder:object:root=true
type DocVaultList struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []DocVault `json:"items"`
}
