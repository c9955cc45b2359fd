package desired

import (
	"cmp"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsac "k8s.io/client-go/applyconfigurations/apps/v1"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"
	metaac "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/docvault/docvault/api/v1alpha1"
)

const (
	redisPort         = 6379
	redisUID          = 999 // of the public image, whose own user is root
	redisProbeUser    = "probe"
	redisACLKey       = "users.acl"
	redisACLDirectory = "/etc/docvault/redis"
	redisData         = "data" // the claim is data-<name>-0

	defaultRedisImage   = "redis:7-alpine"
	defaultRedisStorage = "1Gi"
)

// RedisStatefulSet returns the vault's Redis: one server with an append-only file on a volume. It is not scaled to zero with a
// suspended vault: waking it would cost more than it does.
func RedisStatefulSet(in Input) *appsac.StatefulSetApplyConfiguration {
	name := redisName(in)
	return appsac.StatefulSet(name, in.Vault.Namespace).
		WithLabels(labels(in, v1alpha1.ComponentRedis)).
		WithOwnerReferences(owner(in)).
		WithSpec(appsac.StatefulSetSpec().
			WithReplicas(1).
			WithServiceName(name).
			// Ordered, a pod that never becomes ready, as of a bad image, would be waited for after the image was corrected.
			WithPodManagementPolicy(cmp.Or(in.Observed.RedisPodManagement, appsv1.ParallelPodManagement)).
			WithSelector(metaac.LabelSelector().WithMatchLabels(selector(in, v1alpha1.ComponentRedis))).
			WithUpdateStrategy(appsac.StatefulSetUpdateStrategy().WithType(appsv1.RollingUpdateStatefulSetStrategyType)).
			WithTemplate(redisTemplate(in)).
			WithVolumeClaimTemplates(redisClaim(in)))
}

func redisTemplate(in Input) *coreac.PodTemplateSpecApplyConfiguration {
	template := coreac.PodTemplateSpec().WithLabels(labels(in, v1alpha1.ComponentRedis)).WithSpec(redisPod(in))
	if in.Ledger.RedisRestarted != "" {
		template.WithAnnotations(map[string]string{v1alpha1.AnnotationRestarted: in.Ledger.RedisRestarted})
	}
	return template
}

// RedisService returns where the vault's Redis is reached.
func RedisService(in Input) *coreac.ServiceApplyConfiguration {
	return coreac.Service(redisName(in), in.Vault.Namespace).
		WithLabels(labels(in, v1alpha1.ComponentRedis)).
		WithOwnerReferences(owner(in)).
		WithSpec(coreac.ServiceSpec().
			WithType(corev1.ServiceTypeClusterIP).
			WithSelector(selector(in, v1alpha1.ComponentRedis)).
			WithPorts(coreac.ServicePort().
				WithName("redis").
				WithProtocol(corev1.ProtocolTCP).
				WithPort(redisPort).
				WithTargetPort(intstr.FromString("redis"))))
}

func redisPod(in Input) *coreac.PodSpecApplyConfiguration {
	spec := podSpec(in, coreac.Container().
		WithName(v1alpha1.ComponentRedis).
		WithImage(cmp.Or(in.Class.Spec.Redis.Image, defaultRedisImage)).
		WithCommand("redis-server").
		WithArgs("--dir", "/data", "--aclfile", redisACLDirectory+"/"+redisACLKey, "--appendonly", "yes", "--save", "").
		WithResources(resources(corev1.ResourceRequirements{}, "20m", "32Mi", false)).
		WithPorts(coreac.ContainerPort().
			WithName("redis").WithProtocol(corev1.ProtocolTCP).WithContainerPort(redisPort)).
		// Redis answers LOADING while it reads its file: up to 10 minutes until it is held for dead.
		WithStartupProbe(redisPing().WithPeriodSeconds(2).WithFailureThreshold(300)).
		WithReadinessProbe(redisPing().WithPeriodSeconds(5)).
		WithLivenessProbe(redisPing().WithPeriodSeconds(10).WithFailureThreshold(6)).
		WithVolumeMounts(
			coreac.VolumeMount().WithName(redisData).WithMountPath("/data"),
			coreac.VolumeMount().WithName("acl").WithMountPath(redisACLDirectory).WithReadOnly(true)))
	spec.SecurityContext.WithRunAsUser(redisUID).WithRunAsGroup(redisUID).WithFSGroup(redisUID)
	return spec.WithVolumes(coreac.Volume().WithName("acl").
		WithSecret(coreac.SecretVolumeSource().WithSecretName(redisName(in)).WithDefaultMode(0o440)))
}

// redisPing asks as the user who may do nothing else: the password that redis-cli insists on is not looked at. With -e an
// answer that is an error, like LOADING, is a failure.
func redisPing() *coreac.ProbeApplyConfiguration {
	return coreac.Probe().WithTimeoutSeconds(3).WithExec(coreac.ExecAction().
		WithCommand("redis-cli", "-e", "--no-auth-warning", "--user", redisProbeUser, "--pass", "none", "ping"))
}

// redisClaim writes the defaults of the API server too: templates of claims are one field, owned whole.
func redisClaim(in Input) *coreac.PersistentVolumeClaimApplyConfiguration {
	storage := redisStorage(in)
	claim := coreac.PersistentVolumeClaim(redisData, "").
		WithLabels(labels(in, v1alpha1.ComponentRedis)).
		WithSpec(coreac.PersistentVolumeClaimSpec().
			WithAccessModes(corev1.ReadWriteOnce).
			WithVolumeMode(corev1.PersistentVolumeFilesystem).
			WithResources(coreac.VolumeResourceRequirements().
				WithRequests(corev1.ResourceList{corev1.ResourceStorage: storage.Size}))).
		WithStatus(coreac.PersistentVolumeClaimStatus().WithPhase(corev1.ClaimPending))
	claim.Namespace, claim.Kind, claim.APIVersion = nil, nil, nil // known from where it stands; the API server drops them
	claim.Spec.StorageClassName = storage.StorageClassName
	return claim
}

// redisStorage returns the volume of the StatefulSet that is there; of a new one, what the vault says, else its class.
func redisStorage(in Input) RedisStorage {
	if there := in.Observed.RedisStorage; there != nil {
		return *there
	}
	vault, class := in.Vault.Spec.Redis.Storage, in.Class.Spec.Redis.Storage
	size := cmp.Or(vault.Size, class.Size)
	if size == nil {
		size = new(resource.MustParse(defaultRedisStorage))
	}
	return RedisStorage{Size: *size, StorageClassName: cmp.Or(vault.StorageClassName, class.StorageClassName)}
}
