package controllers_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/docvault/docvault/api/v1alpha1"
)

// walk is what a user may set of pods, Services, routes, policies and autoscalers, each with what the API server adds to it.
var walk = []struct{ name, spec string }{
	{"tolerations", `{api: {template: {tolerations: [{key: a}, {operator: Exists}, {key: b, operator: Equal, value: c, effect: NoExecute, tolerationSeconds: 0}]}}}`},
	{"affinity", `{worker: {template: {affinity: {
		nodeAffinity: {
			requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/os, operator: In, values: [linux]}]}]},
			preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {matchFields: [{key: metadata.name, operator: In, values: [kwok]}]}}]},
		podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 5, podAffinityTerm: {topologyKey: kubernetes.io/hostname, namespaceSelector: {}, labelSelector: {}}}]},
		podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 9, podAffinityTerm: {topologyKey: zone, namespaces: [a, b], labelSelector: {matchLabels: {a: b}}}}]}}}}}`},
	{"empty affinity", `{api: {template: {affinity: {}}}, worker: {template: {affinity: {nodeAffinity: {}}}}}`},
	{"spread", `{api: {template: {topologySpreadConstraints: [
		{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}, {maxSkew: 3, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule, minDomains: 1, matchLabelKeys: [pod-template-hash]}]}}}`},
	{"spread, the other way round", `{api: {template: {topologySpreadConstraints: [
		{maxSkew: 3, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule, minDomains: 1}, {maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {}}]}}}`},
	{"labels", `{api: {template: {labels: {team: a}, annotations: {example.com/a: b}}}, worker: {template: {labels: {team: b}, nodeSelector: {type: kwok}}}}`},
	{"languages and priority", `{worker: {ocrLanguages: [deu, eng], template: {priorityClassName: system-cluster-critical}}}`},
	{"a port of the nodes", `{api: {service: {type: NodePort}}}`},
	{"a load balancer", `{api: {service: {type: LoadBalancer, annotations: {example.com/internal: "true"}}}}`},
	{"a cluster address again", `{api: {service: {type: ClusterIP}}}`},
	{"API by CPU", `{api: {autoscaling: {minReplicas: 1, maxReplicas: 3}}}`},
	{"both by CPU", `{api: {autoscaling: {maxReplicas: 3, targetCPUUtilizationPercentage: 50}, resources: {limits: {memory: 512Mi}}}, worker: {autoscaling: {maxReplicas: 4}}}`},
	{"several, with a budget", `{api: {replicas: 2}, worker: {replicas: 2}}`},
	{"an ingress", `{route: {host: docs.acme.example, ingress: {className: nginx, annotations: {example.com/a: b, nginx.ingress.kubernetes.io/proxy-body-size: 5g}, tlsSecretName: tls}}}`},
	{"an ingress without anything", `{route: {host: docs.acme.example, ingress: {}}}`},
	{"peers", `{networkPolicy: {apiFrom: [{podSelector: {}}, {namespaceSelector: {}, podSelector: {matchExpressions: [{key: a, operator: Exists}]}}, {ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]}}`},
	{"a provider", `{classification: {provider: openai, baseURL: "http://ollama.models.svc:11434/v1"}}`},
	{"suspended and scaled", `{suspend: true, api: {autoscaling: {maxReplicas: 3}}, worker: {autoscaling: {maxReplicas: 3}}}`},
	{"KEDA", `{worker: {autoscaling: {minReplicas: 0, maxReplicas: 3, queueDepth: 7}}}`},
	{"a gateway", `{route: {host: docs.acme.example, gateway: {parentRefs: [{name: public, namespace: gateways, sectionName: https}, {name: own}]}}}`},
	{"nothing", `{}`},
}

// Whatever is set, alone and after what was set before it, a settled vault costs no write: what is applied is what is read back.
func TestAVaultSettlesWhateverIsSet(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.allowing()
	i.effects.setInstalled(gatewayAPI, true)
	i.effects.setInstalled(keda, true)
	i.start()
	vault := i.readyVault("acme")
	for _, step := range walk {
		spec := i.specOf(step.name, step.spec)
		i.edit(vault, func() { vault.Spec = spec })
		i.await(vault, v1alpha1.ConditionReconciling, metav1.ConditionFalse, v1alpha1.ReasonSettled)
		i.awaitNoWrites(step.name, vault)
		if strings.Contains(i.log.String(), leftOtherwise) { // and is not asked for again
			t.Fatalf("%s: something is not read back as it was applied", step.name)
		}
	}
}

// leftOtherwise is what the operator logs of an object that the API server changes as it takes it.
const leftOtherwise = "otherwise than it is asked for"

// specOf reads a step of the walk.
func (i *installation) specOf(name, text string) v1alpha1.DocVaultSpec {
	i.t.Helper()
	spec := v1alpha1.DocVaultSpec{}
	if err := yaml.UnmarshalStrict([]byte(strings.ReplaceAll(text, "\t", " ")), &spec); err != nil {
		i.t.Fatalf("%s: %v", name, err)
	}
	spec.ClassName = i.class.Name
	return spec
}

// awaitNoWrites waits until passes over settled vaults write nothing. Pods that end change the status once more; what is not read back as
// it was applied is written again at each pass.
func (i *installation) awaitNoWrites(when string, vaults ...*v1alpha1.DocVault) {
	i.t.Helper()
	eventually(i.t, patience, func(context.Context) error {
		effects := i.effects.count()
		for range 3 {
			for _, vault := range vaults {
				i.anotherPass(vault)
			}
		}
		if made := i.effects.since(effects); len(made) > 0 {
			return fmt.Errorf("%s: passes over settled vaults made:\n%s", when, strings.Join(made, "\n"))
		}
		return nil
	})
}

// What the API server refuses of a child is a matter of the spec, and is over when that is mended.
func TestWhatTheAPIServerRefusesIsToldAndMended(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.allowing()
	i.start()
	vault := i.readyVault("acme")
	for _, step := range []struct{ name, spec string }{
		{"a range that is none", `{networkPolicy: {apiFrom: [{ipBlock: {cidr: somewhere}}]}}`},
		{"a toleration of nothing", `{api: {template: {tolerations: [{operator: Exists, value: x}]}}}`},
		{"a label that is none", `{worker: {template: {labels: {team: "a b"}}}}`},
		{"an annotation that is none", `{route: {host: docs.acme.example, ingress: {annotations: {"a b": x}}}}`},
	} {
		spec := i.specOf(step.name, step.spec)
		i.edit(vault, func() { vault.Spec = spec })
		i.await(vault, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonInvalidSpec)
		i.edit(vault, func() { vault.Spec = v1alpha1.DocVaultSpec{ClassName: spec.ClassName} })
		i.awaitReady(vault)
	}
}

// What somebody edits in what is not there in a vault of an empty spec is put back, too; what goes comes again.
func TestDriftOfWhatIsAskedForIsRepaired(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.allowing()
	i.effects.setInstalled(gatewayAPI, true)
	i.effects.setInstalled(keda, true)
	i.start()
	vault := i.readyVault("acme", func(vault *v1alpha1.DocVault) {
		vault.Spec.API.Autoscaling = &v1alpha1.APIAutoscaling{MaxReplicas: 3}
		vault.Spec.Worker.Autoscaling = &v1alpha1.WorkerAutoscaling{MaxReplicas: 3}
		vault.Spec.Route.Host = "docs.acme.example"
		vault.Spec.Route.Gateway = &v1alpha1.GatewayRoute{ParentRefs: []v1alpha1.GatewayReference{{Name: "public"}}}
	})
	set := func(value any, fields ...string) func(client.Object) {
		return func(o client.Object) {
			_ = unstructured.SetNestedField(o.(*unstructured.Unstructured).Object, value, fields...)
		}
	}
	i.mend(vault, []drift{
		{&autoscalingv2.HorizontalPodAutoscaler{}, "acme-api", func(o client.Object) { o.(*autoscalingv2.HorizontalPodAutoscaler).Spec.MaxReplicas = 9 }},
		{&policyv1.PodDisruptionBudget{}, "acme-api", func(o client.Object) {
			o.(*policyv1.PodDisruptionBudget).Spec.MaxUnavailable = new(intstr.FromInt32(0))
		}},
		{&networkingv1.NetworkPolicy{}, "acme-redis", func(o client.Object) {
			o.(*networkingv1.NetworkPolicy).Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{}}
		}},
		{&corev1.Service{}, "acme-metrics", func(o client.Object) { o.(*corev1.Service).Spec.Selector["app.kubernetes.io/instance"] = "another" }},
		{scaledObject(), "acme-worker", set(int64(9), "spec", "maxReplicaCount")},
		{scaledObject(), "acme-worker", set([]any{}, "spec", "triggers")},
		{httpRoute(), "acme-api", set([]any{"other.example"}, "spec", "hostnames")},
	})
	i.edit(vault, func() { vault.Spec.Route.Gateway, vault.Spec.Route.Ingress = nil, &v1alpha1.IngressRoute{} })
	i.awaitReady(vault)
	i.mend(vault, []drift{{&networkingv1.Ingress{}, "acme-api", func(o client.Object) { o.(*networkingv1.Ingress).Spec.Rules[0].Host = "other.example" }}})
	for _, child := range []client.Object{
		named(&autoscalingv2.HorizontalPodAutoscaler{}, vault.Namespace, "acme-api"), named(scaledObject(), vault.Namespace, "acme-worker"),
		named(&networkingv1.Ingress{}, vault.Namespace, "acme-api"), named(&networkingv1.NetworkPolicy{}, vault.Namespace, "acme-worker"),
	} {
		if err := i.kube.Delete(t.Context(), child); err != nil {
			t.Fatal(err)
		}
		i.awaitThere(vault, child, child.GetName())
	}
}
