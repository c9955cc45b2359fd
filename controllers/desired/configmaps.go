package desired

import (
	"net"
	"net/url"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/runtime/config"
)

// Keys of the ConfigMap of authorities, and the volumes of pods that hold them.
const (
	postgresCAKey    = "postgres.crt"
	objectStoreCAKey = "object-store.crt"
	redisCAKey       = "redis.crt"

	postgresCAVolume    = "postgres-ca"
	objectStoreCAVolume = "object-store-ca"
	redisCAVolume       = "redis-ca"
)

// RuntimeConfigMap returns the part of the environment of API and workers that is no secret. It never changes: other content
// has another name, so a pod of an older Deployment that starts again finds its own.
func RuntimeConfigMap(in Input) *coreac.ConfigMapApplyConfiguration {
	store := in.Ledger.ObjectStore
	address, secure := hostPort(store.Endpoint)
	data := map[string]string{
		config.MinioEndpoint: address,
		config.MinioSecure:   strconv.FormatBool(secure),
		config.MinioRegion:   store.Region,
		config.MinioBucket:   store.Bucket,
	}
	for name, value := range map[string]string{
		config.MinioPublicEndpoint:        store.PublicEndpoint,
		config.ClassificationProvider:     string(in.Vault.Spec.Classification.Provider),
		config.ClassificationModel:        in.Vault.Spec.Classification.Model,
		config.ClassificationBaseURL:      in.Vault.Spec.Classification.BaseURL,
		config.ClassificationSystemPrompt: in.Vault.Spec.Classification.SystemPrompt,
	} {
		if value != "" {
			data[name] = value
		}
	}
	if in.Ledger.ExternalRedis != nil {
		data[config.VaultIdentity] = in.Ledger.Identity
	}
	return immutable(in, data)
}

// CAConfigMap returns the authorities that sign the certificates of the vault's servers, nil when these are the images' own.
func CAConfigMap(in Input) *coreac.ConfigMapApplyConfiguration {
	data := map[string]string{}
	if ca := in.Ledger.Postgres.CA; len(ca) > 0 {
		data[postgresCAKey] = string(ca)
	}
	if ca := in.Ledger.ObjectStore.CA; len(ca) > 0 {
		data[objectStoreCAKey] = string(ca)
	}
	if redis := in.Ledger.ExternalRedis; redis != nil && len(redis.CA) > 0 {
		data[redisCAKey] = string(redis.CA)
	}
	if len(data) == 0 {
		return nil
	}
	return immutable(in, data)
}

// CANameOf returns the name of the ConfigMap that a pod has its authorities from, empty when it has none.
func CANameOf(pod corev1.PodSpec) string {
	for _, volume := range pod.Volumes {
		switch volume.Name {
		case postgresCAVolume, objectStoreCAVolume, redisCAVolume:
			if volume.ConfigMap != nil {
				return volume.ConfigMap.Name
			}
		}
	}
	return ""
}

// AuthoritiesOf returns what a CAConfigMap holds of the class's servers.
func AuthoritiesOf(made *corev1.ConfigMap) (postgres, objectStore []byte) {
	return []byte(made.Data[postgresCAKey]), []byte(made.Data[objectStoreCAKey])
}

func immutable(in Input, data map[string]string) *coreac.ConfigMapApplyConfiguration {
	return coreac.ConfigMap(runtimeName(in)+"-"+hashOf(data), in.Vault.Namespace).
		WithLabels(labels(in, v1alpha1.ComponentAPI)).
		WithOwnerReferences(owner(in)).
		WithImmutable(true).
		WithData(data)
}

// hostPort splits a URL of an object store into what S3 clients want: the address, and whether it speaks TLS.
func hostPort(endpoint string) (address string, secure bool) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return endpoint, false // the pattern of the class's field lets no such URL in
	}
	secure = u.Scheme == "https"
	if u.Port() != "" {
		return u.Host, secure
	}
	if secure {
		return net.JoinHostPort(u.Hostname(), "443"), secure
	}
	return net.JoinHostPort(u.Hostname(), "80"), secure
}
