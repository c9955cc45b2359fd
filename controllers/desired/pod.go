package desired

import (
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"
)

// Where the authorities of the vault's servers are in a pod. Go adds the directories that SSL_CERT_DIR names to the image's own
// bundle; the one for Postgres stands in its URL and counts for nothing else.
const (
	postgresCADirectory    = "/etc/docvault/postgres"
	postgresCAFile         = postgresCADirectory + "/" + postgresCAKey
	objectStoreCADirectory = "/etc/docvault/object-store"
	redisCADirectory       = "/etc/docvault/redis-ca"
	certificatesVariable   = "SSL_CERT_DIR"
)

// podSpec returns a pod that passes the restricted Pod Security profile, with one container hardened likewise: any UID but
// root, no capabilities, nothing to write to but what is mounted, no way to the API server.
func podSpec(in Input, container *coreac.ContainerApplyConfiguration) *coreac.PodSpecApplyConfiguration {
	spec := coreac.PodSpec().
		WithAutomountServiceAccountToken(false).
		WithEnableServiceLinks(false).
		WithSecurityContext(coreac.PodSecurityContext().
			WithRunAsNonRoot(true).
			WithSeccompProfile(coreac.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault))).
		WithContainers(container.
			WithSecurityContext(coreac.SecurityContext().
				WithAllowPrivilegeEscalation(false).
				WithReadOnlyRootFilesystem(true).
				WithCapabilities(coreac.Capabilities().WithDrop("ALL"))))
	for _, pull := range in.Class.Spec.Runtime.PullSecrets {
		spec.WithImagePullSecrets(coreac.LocalObjectReference().WithName(pull.Name))
	}
	return spec
}

// withTmp gives a pod a /tmp of a bounded size. A pod that writes more is evicted.
func withTmp(spec *coreac.PodSpecApplyConfiguration, size resource.Quantity) {
	spec.WithVolumes(coreac.Volume().WithName("tmp").WithEmptyDir(coreac.EmptyDirVolumeSource().WithSizeLimit(size)))
	spec.Containers[0].WithVolumeMounts(coreac.VolumeMount().WithName("tmp").WithMountPath("/tmp"))
}

// withPostgresCA puts the authority of the vault's Postgres server, if it has its own, where the database URLs name it.
func withPostgresCA(in Input, spec *coreac.PodSpecApplyConfiguration) {
	if len(in.Ledger.Postgres.CA) > 0 {
		withCA(in, spec, postgresCAVolume, postgresCADirectory, postgresCAKey)
	}
}

// withTrust makes the container trust the authorities of the vault's object store and Redis, where these have their own.
func withTrust(in Input, spec *coreac.PodSpecApplyConfiguration) {
	var directories []string
	if len(in.Ledger.ObjectStore.CA) > 0 {
		withCA(in, spec, objectStoreCAVolume, objectStoreCADirectory, objectStoreCAKey)
		directories = append(directories, objectStoreCADirectory)
	}
	if redis := in.Ledger.ExternalRedis; redis != nil && len(redis.CA) > 0 {
		withCA(in, spec, redisCAVolume, redisCADirectory, redisCAKey)
		directories = append(directories, redisCADirectory)
	}
	if len(directories) > 0 {
		spec.Containers[0].WithEnv(coreac.EnvVar().WithName(certificatesVariable).WithValue(strings.Join(directories, ":")))
	}
}

func withCA(in Input, spec *coreac.PodSpecApplyConfiguration, volume, directory, key string) {
	spec.WithVolumes(coreac.Volume().WithName(volume).WithConfigMap(coreac.ConfigMapVolumeSource().
		WithName(*CAConfigMap(in).Name).
		WithItems(coreac.KeyToPath().WithKey(key).WithPath(key))))
	spec.Containers[0].WithVolumeMounts(coreac.VolumeMount().WithName(volume).WithMountPath(directory).WithReadOnly(true))
}

// resources returns what a container asks for: what the user said, or requests that keep an idle vault from being evicted
// first. There are no default limits: a limit that is too low kills. Pods that are scaled always request CPU: an autoscaler
// computes how busy they are as a part of that.
func resources(wanted corev1.ResourceRequirements, cpu, memory string, scaled bool) *coreac.ResourceRequirementsApplyConfiguration {
	r := coreac.ResourceRequirements()
	if len(wanted.Requests) == 0 && len(wanted.Limits) == 0 {
		return r.WithRequests(corev1.ResourceList{
			corev1.ResourceCPU:    resource.MustParse(cpu),
			corev1.ResourceMemory: resource.MustParse(memory),
		})
	}
	if len(wanted.Requests) > 0 {
		r.WithRequests(wanted.Requests)
	}
	if len(wanted.Limits) > 0 {
		r.WithLimits(wanted.Limits)
	}
	request, requested := wanted.Requests[corev1.ResourceCPU]
	if !requested {
		request = wanted.Limits[corev1.ResourceCPU] // stands for the request too, where there is none
	}
	if scaled && request.IsZero() {
		requests := corev1.ResourceList{}
		maps.Copy(requests, wanted.Requests)
		requests[corev1.ResourceCPU] = resource.MustParse(cpu)
		r.WithRequests(requests)
	}
	return r
}
