package controllers_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/controllers"
)

// strictClass allows something of everything.
const strictClass = `
runtime: {image: registry.example.com/docvault:v1}
hostTemplate: "{name}-{namespace}.vaults.example.com"
limits: {api: {maxReplicas: 3}, worker: {maxReplicas: 5}, maxUploadSize: 2Gi}
allow:
  images: ["registry.example.com/docvault:*"]
  hosts: ["*.acme.example", docs.example.com]
  serviceAnnotations: ["example.com/lb-*"]
  ingressAnnotations: [example.com/rewrite]
  priorityClasses: [high]
  external: [redis]
`

func TestAVaultMaySetWhatItsClassAllows(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ spec, refused string }{
		"nothing":                {spec: `{}`},
		"the most":               {spec: `{api: {replicas: 3, maxUploadSize: 2048Mi}, worker: {replicas: 5}}`},
		"an image":               {spec: `{image: "registry.example.com/docvault:v2"}`},
		"another image":          {spec: `{image: "registry.example.com/docvault/other:v2"}`, refused: "spec.image"},
		"API replicas":           {spec: `{api: {replicas: 4}}`, refused: "spec.api.replicas is 4, and class strict allows at most 3"},
		"scaled API":             {spec: `{api: {replicas: 4, autoscaling: {maxReplicas: 4}}}`, refused: "spec.api.autoscaling.maxReplicas is 4"},
		"workers":                {spec: `{worker: {replicas: 6}}`, refused: "spec.worker.replicas is 6"},
		"scaled workers":         {spec: `{worker: {autoscaling: {maxReplicas: 6}}}`, refused: "spec.worker.autoscaling.maxReplicas is 6"},
		"large files":            {spec: `{api: {maxUploadSize: 2049Mi}}`, refused: "spec.api.maxUploadSize is 2049Mi, and class strict allows at most 2Gi"},
		"a host of the template": {spec: `{route: {host: acme-tenant-a.vaults.example.com}}`},
		"a neighbour's host":     {spec: `{route: {host: other-tenant-a.vaults.example.com}}`, refused: "the host other-tenant-a.vaults.example.com"},
		"a host of its own":      {spec: `{route: {host: docs.acme.example}}`},
		"two labels for one":     {spec: `{route: {host: a.b.acme.example}}`, refused: "the host a.b.acme.example"},
		"the bare domain":        {spec: `{route: {host: acme.example}}`, refused: "the host acme.example"},
		"a load balancer":        {spec: `{api: {service: {annotations: {example.com/lb-internal: "true"}}}}`},
		"another annotation":     {spec: `{api: {service: {annotations: {example.com/other: x}}}}`, refused: "example.com/other"},
		"of an Ingress":          {spec: `{route: {ingress: {annotations: {example.com/rewrite: /}}}}`},
		"another of an Ingress":  {spec: `{route: {ingress: {annotations: {example.com/snippet: x}}}}`, refused: "spec.route.ingress.annotations: example.com/snippet"},
		"tolerations":            {spec: `{worker: {template: {tolerations: [{operator: Exists}]}}}`, refused: "spec.worker.template.tolerations"},
		"a priority":             {spec: `{api: {template: {priorityClassName: high}}}`},
		"another priority":       {spec: `{api: {template: {priorityClassName: system-node-critical}}}`, refused: "priorityClassName system-node-critical"},
		"its own Redis":          {spec: `{redis: {external: {secretRef: {name: r}}}}`},
		"its own database":       {spec: `{postgres: {external: {secretRef: {name: p}}}}`, refused: "spec.postgres.external"},
		"its own bucket":         {spec: `{objectStore: {external: {secretRef: {name: b}}}}`, refused: "spec.objectStore.external"},
	}
	class := &v1alpha1.DocVaultClass{ObjectMeta: metav1.ObjectMeta{Name: "strict"}}
	parse(t, strictClass, &class.Spec)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vault := &v1alpha1.DocVault{ObjectMeta: metav1.ObjectMeta{Name: "acme", Namespace: "tenant-a"}}
			parse(t, tc.spec, &vault.Spec)
			err := controllers.Admits(class, vault, &corev1.Namespace{})
			switch {
			case tc.refused == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tc.refused != "" && err == nil:
				t.Errorf("taken; wanted a refusal that says %q", tc.refused)
			case tc.refused != "" && !strings.Contains(err.Error(), tc.refused):
				t.Errorf("refused with %q; wanted %q", err, tc.refused)
			}
		})
	}
}

func parse(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}

// What the class refuses goes by an edit, of the vault or of the class.
func TestARefusedVaultRecovers(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	replicas := int32(2)
	i.edit(vault, func() { vault.Spec.API.Replicas = &replicas })
	i.awaitReady(vault)
	limit := int32(1)
	i.edit(i.class, func() { i.class.Spec.Limits.API.MaxReplicas = &limit })
	i.await(vault, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonLimitExceeded)
	i.edit(i.class, func() { i.class.Spec.Limits.API.MaxReplicas = nil })
	i.awaitReady(vault)
	size := resource.MustParse("1Gi")
	i.edit(vault, func() {
		vault.Spec.API.MaxUploadSize = &size
		vault.Spec.Worker.Template.PriorityClassName = "system-cluster-critical"
	})
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNotAllowed)
	i.edit(vault, func() { vault.Spec.Worker.Template.PriorityClassName = "" })
	i.awaitReady(vault)
}
