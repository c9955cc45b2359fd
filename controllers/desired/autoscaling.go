package desired

import (
	"fmt"
	"strconv"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
	autoscalingac "k8s.io/client-go/applyconfigurations/autoscaling/v2"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/runtime/config"
)

const (
	defaultCPUUtilization = 80 // percent of what the pods request
	defaultQueueDepth     = 20 // tasks that wait, for each worker
)

// APIAutoscaler returns who chooses how many pods serve the API, nil when the spec does. Nobody does in a suspended vault.
func APIAutoscaler(in Input) *autoscalingac.HorizontalPodAutoscalerApplyConfiguration {
	scale := in.Vault.Spec.API.Autoscaling
	if scale == nil || in.Vault.Spec.Suspend {
		return nil
	}
	return autoscaler(in, v1alpha1.ComponentAPI,
		LeastAPI(in), scale.MaxReplicas, valueOr(scale.TargetCPUUtilizationPercentage, defaultCPUUtilization))
}

// WorkerAutoscaler returns who chooses how many workers there are where KEDA is not installed: by CPU, and never none, as nothing
// would bring them back.
func WorkerAutoscaler(in Input) *autoscalingac.HorizontalPodAutoscalerApplyConfiguration {
	scale := in.Vault.Spec.Worker.Autoscaling
	if scale == nil || in.Vault.Spec.Suspend || in.Observed.KEDA {
		return nil
	}
	return autoscaler(in, v1alpha1.ComponentWorker, LeastWorkers(in), scale.MaxReplicas, defaultCPUUtilization)
}

// LeastAPI returns how many API pods an autoscaler leaves at least.
func LeastAPI(in Input) int32 {
	scale := in.Vault.Spec.API.Autoscaling
	if scale == nil {
		return 0
	}
	return valueOr(scale.MinReplicas, 1)
}

// LeastWorkers returns how many workers an autoscaler leaves at least.
func LeastWorkers(in Input) int32 {
	scale := in.Vault.Spec.Worker.Autoscaling
	if scale == nil {
		return 0
	}
	least := valueOr(scale.MinReplicas, 1)
	if !in.Observed.KEDA {
		return max(least, 1)
	}
	return least
}

func autoscaler(in Input, component string, least, most, cpu int32) *autoscalingac.HorizontalPodAutoscalerApplyConfiguration {
	name := in.Vault.Name + "-" + component
	return autoscalingac.HorizontalPodAutoscaler(name, in.Vault.Namespace).
		WithLabels(labels(in, component)).
		WithOwnerReferences(owner(in)).
		WithSpec(autoscalingac.HorizontalPodAutoscalerSpec().
			WithScaleTargetRef(autoscalingac.CrossVersionObjectReference().
				WithAPIVersion("apps/v1").WithKind("Deployment").WithName(name)).
			WithMinReplicas(least).
			WithMaxReplicas(most).
			WithMetrics(autoscalingac.MetricSpec().
				WithType(autoscalingv2.ResourceMetricSourceType).
				WithResource(autoscalingac.ResourceMetricSource().
					WithName(corev1.ResourceCPU).
					WithTarget(autoscalingac.MetricTarget().
						WithType(autoscalingv2.UtilizationMetricType).
						WithAverageUtilization(cpu)))))
}

// WorkerScaledObject returns who chooses how many workers there are where KEDA is installed, nil when nobody does. KEDA asks the
// metrics of the API's pods, which need no credential, for the work that waits: by Postgres, which forgets none, and by Redis,
// which knows of previews too. Tasks that are being worked on keep their workers: without them KEDA would stop all workers in
// the middle of a long document as soon as no other waits, again and again.
func WorkerScaledObject(in Input) *unstructured.Unstructured {
	scale := in.Vault.Spec.Worker.Autoscaling
	if scale == nil || in.Vault.Spec.Suspend || !in.Observed.KEDA {
		return nil
	}
	waiting := valueOr(scale.QueueDepth, defaultQueueDepth)
	name := in.Vault.Name + "-" + v1alpha1.ComponentWorker
	return custom(in, "keda.sh/v1alpha1", "ScaledObject", name, v1alpha1.ComponentWorker, map[string]any{
		"scaleTargetRef":  map[string]any{"name": name},
		"minReplicaCount": int64(LeastWorkers(in)),
		"maxReplicaCount": int64(scale.MaxReplicas),
		"triggers": []any{
			trigger(in, "docvault_documents_waiting", waiting),
			trigger(in, `docvault_queue_tasks{state="pending"}`, waiting),
			trigger(in, `docvault_queue_tasks{state="active"}`, valueOr(in.Vault.Spec.Worker.Concurrency, defaultConcurrency)),
		},
	})
}

// trigger wants one worker for each so many of what a metric counts. The format is known to KEDA since 2.14.
func trigger(in Input, metric string, each int32) map[string]any {
	return map[string]any{
		"type": "metrics-api",
		"metadata": map[string]any{
			"url":           fmt.Sprintf("http://%s.%s.svc:%d/metrics", metricsName(in), in.Vault.Namespace, config.MetricsPort),
			"format":        "prometheus",
			"valueLocation": metric,
			"targetValue":   strconv.Itoa(int(each)),
		},
	}
}

// MetricsService returns where KEDA finds the metrics of the API's pods, nil when it does not ask. It is not the API's own
// Service, which may be open to the world.
func MetricsService(in Input) *coreac.ServiceApplyConfiguration {
	if WorkerScaledObject(in) == nil {
		return nil
	}
	return coreac.Service(metricsName(in), in.Vault.Namespace).
		WithLabels(labels(in, v1alpha1.ComponentAPI)).
		WithOwnerReferences(owner(in)).
		WithSpec(coreac.ServiceSpec().
			WithType(corev1.ServiceTypeClusterIP).
			WithClusterIP(corev1.ClusterIPNone).
			WithSelector(selector(in, v1alpha1.ComponentAPI)).
			WithPorts(coreac.ServicePort().
				WithName("metrics").
				WithProtocol(corev1.ProtocolTCP).
				WithPort(config.MetricsPort).
				WithTargetPort(intstr.FromString("metrics"))))
}
