package v1alpha1

// RedisSpec is what is wanted of the vault's Redis.
type RedisSpec struct {
	// Storage of the append-only file.
	// +optional
	Storage StorageSpec `json:"storage,omitempty"`

	// External is a Redis that the vault's owner brings, for this vault alone: two vaults in one would take each other's tasks. Only
	// where the class allows it. Its Secret has the keys host, and as wanted port (6379), username, password, tls (true or false)
	// and ca.crt.
	// +optional
	External *ExternalBackend `json:"external,omitempty"`
}

// PostgresSpec says where the vault's database is.
type PostgresSpec struct {
	// External is a database that the vault's owner brings. The operator makes nothing in it but the schema, and never drops it.
	// Only where the class allows it, and from the beginning. Its Secret has the keys host, database, username, password,
	// migrateUsername and migratePassword, and as wanted port (5432), sslmode (disable, require, verify-ca or verify-full, the
	// default) and ca.crt.
	// +optional
	External *ExternalBackend `json:"external,omitempty"`
}

// ObjectStoreSpec says where the vault's bucket is.
type ObjectStoreSpec struct {
	// External is a bucket that the vault's owner brings. The operator never empties or removes it. Only where the class allows
	// it, and from the beginning. Its Secret has the keys endpoint (host:port or URL), bucket, accessKey and secretKey, and as
	// wanted publicEndpoint, region (us-east-1), secure (true or false) and ca.crt.
	// +optional
	External *ExternalBackend `json:"external,omitempty"`
}

// ExternalBackend is a server that the vault's owner brings.
type ExternalBackend struct {
	// SecretRef names the Secret, in the vault's namespace, that says where it is and how to log in. Changes of the Secret are
	// followed.
	SecretRef SecretReference `json:"secretRef"`
}

// ClassificationSpec says how documents are filed until somebody sets it in the vault itself.
//
// +kubebuilder:validation:XValidation:rule="!has(self.baseURL) || self.baseURL.size() == 0 || (has(self.provider) && self.provider in ['openai', 'lmstudio'])",message="baseURL goes with provider openai or lmstudio"
// +kubebuilder:validation:XValidation:rule="!has(self.apiKeySecretRef) || !has(self.apiKeySecretRef.name) || self.apiKeySecretRef.name.size() == 0 || (has(self.provider) && self.provider in ['anthropic', 'openai'])",message="apiKeySecretRef goes with provider anthropic or openai"
// +kubebuilder:validation:XValidation:rule="!has(self.model) || self.model.size() == 0 || (has(self.provider) && self.provider != 'builtin')",message="model goes with provider anthropic, openai or lmstudio"
type ClassificationSpec struct {
	// Provider: builtin (default; needs nothing), anthropic, openai or lmstudio.
	// +optional
	Provider ClassificationProvider `json:"provider,omitempty"`

	// Model that is asked. Default: the provider's usual one.
	// +kubebuilder:validation:MaxLength=200
	// +optional
	Model string `json:"model,omitempty"`

	// BaseURL of an OpenAI-compatible server, for example http://ollama.models.svc:11434/v1. Default: the provider's own.
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^(https?://[^/@?#\s]+[^@?#\s]*)?$`
	// +optional
	BaseURL string `json:"baseURL,omitempty"`

	// APIKeySecretRef is the key in a Secret of the vault's namespace that holds the provider's API key.
	// +optional
	APIKeySecretRef *SecretKeyReference `json:"apiKeySecretRef,omitempty"`

	// SystemPrompt tells the model how to file. Default: the product's own.
	// +kubebuilder:validation:MaxLength=10000
	// +optional
	SystemPrompt string `json:"systemPrompt,omitempty"`
}

// ClassificationProvider is who files documents.
//
// +kubebuilder:validation:Enum=builtin;anthropic;openai;lmstudio
type ClassificationProvider string

// SecretKeyReference names a key of a Secret in the vault's namespace.
//
// +kubebuilder:validation:XValidation:rule="(has(self.name) && self.name.size() > 0) == (has(self.key) && self.key.size() > 0)",message="name and key go together"
type SecretKeyReference struct {
	// Name of the Secret.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Name string `json:"name,omitempty"`
	// Key in it.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Key string `json:"key,omitempty"`
}
