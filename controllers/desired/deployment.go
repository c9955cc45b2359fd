package desired

import (
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsac "k8s.io/client-go/applyconfigurations/apps/v1"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"
	metaac "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/runtime/config"
)

const (
	defaultReplicas    = 1
	defaultConcurrency = 2
	gibibyte           = 1 << 30

	// preStopSeconds is how long a pod that ends still takes requests: until proxies and ingresses have heard of it.
	preStopSeconds = 5
	// graceSeconds is how long a program has to end then: it waits for requests and tasks for somewhat less, then hands back the rest.
	graceSeconds = 30
)

// Role is what API and workers differ in.
type Role struct {
	component string
	replicas  *int32
	scaled    bool // by an autoscaler
	template  v1alpha1.PodTemplate
	env       map[string]string
	ports     []*coreac.ContainerPortApplyConfiguration
	tmp       resource.Quantity
	resources *coreac.ResourceRequirementsApplyConfiguration
	preStop   int64 // seconds
}

// Component returns which component's pods these are.
func (r Role) Component() string { return r.component }

// API returns the role of the pods that take requests.
func API(in Input) Role {
	spec := in.Vault.Spec.API
	return Role{
		component: v1alpha1.ComponentAPI,
		replicas:  spec.Replicas,
		scaled:    spec.Autoscaling != nil,
		template:  spec.Template,
		env:       uploadLimit(in),
		ports:     []*coreac.ContainerPortApplyConfiguration{port("http", config.APIPort), port("metrics", config.MetricsPort)},
		tmp:       *resource.NewQuantity(gibibyte, resource.BinarySI), // uploads go through memory; this is for what libraries spill
		resources: resources(spec.Resources, "50m", "64Mi", spec.Autoscaling != nil),
		preStop:   preStopSeconds,
	}
}

// Worker returns the role of the pods that read documents.
func Worker(in Input) Role {
	spec := in.Vault.Spec.Worker
	concurrency := int64(valueOr(spec.Concurrency, defaultConcurrency))
	env := uploadLimit(in)
	env[config.WorkerConcurrency] = strconv.FormatInt(concurrency, 10)
	if len(spec.OCRLanguages) > 0 {
		env[config.OCRLanguages] = strings.Join(spec.OCRLanguages, ",")
	}
	largest := int64(gibibyte)
	if limit := maxUploadSize(in); limit != nil {
		largest = limit.Value()
	}
	return Role{
		component: v1alpha1.ComponentWorker,
		replicas:  spec.Replicas,
		scaled:    spec.Autoscaling != nil,
		template:  spec.Template,
		env:       env,
		ports:     []*coreac.ContainerPortApplyConfiguration{port("metrics", config.MetricsPort)},
		// Each document that is read lies there whole, and the readers' own files beside it.
		tmp:       *resource.NewQuantity(concurrency*largest+gibibyte, resource.BinarySI),
		resources: resources(spec.Resources, "100m", "256Mi", spec.Autoscaling != nil),
	}
}

// Deployment returns the pods of one role. A new pod is ready before an old one goes. How many there are is left out where an
// autoscaler chooses.
func Deployment(in Input, role Role) *appsac.DeploymentApplyConfiguration {
	deployment := appsac.Deployment(in.Vault.Name+"-"+role.component, in.Vault.Namespace).
		WithLabels(labels(in, role.component)).
		WithOwnerReferences(owner(in)).
		WithSpec(appsac.DeploymentSpec().
			WithRevisionHistoryLimit(3).
			WithSelector(metaac.LabelSelector().WithMatchLabels(selector(in, role.component))).
			WithStrategy(appsac.DeploymentStrategy().
				WithType(appsv1.RollingUpdateDeploymentStrategyType).
				WithRollingUpdate(appsac.RollingUpdateDeployment().
					WithMaxUnavailable(intstr.FromInt32(0)).
					WithMaxSurge(intstr.FromInt32(1)))).
			WithTemplate(coreac.PodTemplateSpec().
				WithLabels(role.template.Labels).
				WithLabels(labels(in, role.component)).
				WithAnnotations(role.template.Annotations).
				WithAnnotations(map[string]string{v1alpha1.AnnotationRuntimeSecret: RuntimeSecretHash(in)}).
				WithSpec(rolePod(in, role))))
	deployment.Spec.Replicas = replicas(in, role)
	return deployment
}

func rolePod(in Input, role Role) *coreac.PodSpecApplyConfiguration {
	container := coreac.Container().
		WithName(role.component).
		WithImage(Image(in.Vault, in.Class)).
		WithArgs(role.component).
		WithEnvFrom(
			coreac.EnvFromSource().WithConfigMapRef(coreac.ConfigMapEnvSource().WithName(*RuntimeConfigMap(in).Name)),
			coreac.EnvFromSource().WithSecretRef(coreac.SecretEnvSource().WithName(runtimeName(in)))).
		WithEnv(environment(role.env)...).
		WithPorts(role.ports...).
		WithResources(role.resources).
		WithStartupProbe(probe("/livez").WithPeriodSeconds(1).WithFailureThreshold(120)).
		WithReadinessProbe(probe("/readyz").WithPeriodSeconds(5)).
		WithLivenessProbe(probe("/livez").WithPeriodSeconds(10).WithFailureThreshold(6))
	if in.Ledger.ExternalRedis != nil {
		// What a pod says last stands in its status: that the Redis is another vault's, for one.
		container.WithTerminationMessagePolicy(corev1.TerminationMessageFallbackToLogsOnError)
	}
	if role.preStop > 0 {
		container.WithLifecycle(coreac.Lifecycle().WithPreStop(
			coreac.LifecycleHandler().WithSleep(coreac.SleepAction().WithSeconds(role.preStop))))
	}
	spec := podSpec(in, container).WithTerminationGracePeriodSeconds(role.preStop + graceSeconds)
	withTmp(spec, role.tmp)
	withPostgresCA(in, spec)
	withTrust(in, spec)
	withTemplate(in, role.component, role.template, spec)
	return spec
}

// replicas returns how many pods a role has, nil where an autoscaler chooses. Suspension wins over both.
func replicas(in Input, role Role) *int32 {
	switch {
	case in.Vault.Spec.Suspend:
		return new(int32(0))
	case role.scaled:
		return nil
	}
	return new(valueOr(role.replicas, defaultReplicas))
}

func uploadLimit(in Input) map[string]string {
	env := map[string]string{}
	if limit := maxUploadSize(in); limit != nil {
		env[config.MaxUploadBytes] = strconv.FormatInt(limit.Value(), 10)
	}
	return env
}

// maxUploadSize returns what the vault says, else the class's limit where that is less than the runtime's default; nil is the default.
func maxUploadSize(in Input) *resource.Quantity {
	most := in.Class.Spec.Limits.MaxUploadSize
	if wanted := in.Vault.Spec.API.MaxUploadSize; wanted != nil {
		return wanted
	}
	if most != nil && most.Value() < config.DefaultMaxUploadBytes {
		return most
	}
	return nil
}

func port(name string, number int32) *coreac.ContainerPortApplyConfiguration {
	return coreac.ContainerPort().WithName(name).WithProtocol(corev1.ProtocolTCP).WithContainerPort(number)
}

func probe(path string) *coreac.ProbeApplyConfiguration {
	return coreac.Probe().WithTimeoutSeconds(3).
		WithHTTPGet(coreac.HTTPGetAction().WithPath(path).WithPort(intstr.FromString("metrics")))
}
