package v1alpha1_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/test/apiserver"
)

// cluster returns a client of the API server with the CRDs as they are in config/, and a namespace of the test's own.
func cluster(t *testing.T) (client.Client, string) {
	t.Helper()
	c, err := client.New(apiserver.ConfigWithCRDs(t), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "validation-"}}
	if err := c.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Delete(context.Background(), namespace) })
	return c, namespace.Name
}

// vault returns a DocVault of the text of its spec; without one it has none.
func vault(t *testing.T, namespace, name, spec string) *unstructured.Unstructured {
	t.Helper()
	return object(t, "DocVault", map[string]any{"namespace": namespace, "name": name}, spec)
}

func class(t *testing.T, spec string) *unstructured.Unstructured {
	t.Helper()
	return object(t, "DocVaultClass", map[string]any{"generateName": "validation-"}, spec)
}

func object(t *testing.T, kind string, metadata map[string]any, spec string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "docvault.io/v1alpha1", "kind": kind, "metadata": metadata,
	}}
	if spec != "" {
		o.Object["spec"] = fields(t, spec)
	}
	return o
}

func fields(t *testing.T, spec string) map[string]any {
	t.Helper()
	var all map[string]any
	if err := yaml.Unmarshal([]byte(spec), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// replaceSpec asks for another spec, whatever else became of the object: operators of other tests may have looked at it.
func replaceSpec(t *testing.T, c client.Client, o *unstructured.Unstructured, spec string) error {
	t.Helper()
	patch, err := json.Marshal([]map[string]any{{"op": "add", "path": "/spec", "value": fields(t, spec)}})
	if err != nil {
		t.Fatal(err)
	}
	return c.Patch(t.Context(), o, client.RawPatch(types.JSONPatchType, patch))
}

// judge fails the test unless err is a refusal with the message, or nil when no message is wanted.
func judge(t *testing.T, err error, message string) {
	t.Helper()
	switch {
	case message == "" && err != nil:
		t.Fatalf("a good object is refused: %v", err)
	case message != "" && err == nil:
		t.Fatalf("a bad object is taken; wanted: %s", message)
	case message != "" && !(apierrors.IsInvalid(err) && strings.Contains(err.Error(), message)):
		t.Fatalf("refused with %q\nwanted: %s", err, message)
	}
}

func TestVaultsAreJudgedWhenTheyAreMade(t *testing.T) {
	t.Parallel()
	c, namespace := cluster(t)
	cases := map[string]struct{ name, spec, message string }{
		"no spec":                {name: "no-spec"},
		"empty spec":             {name: "empty", spec: `{}`},
		"40 letters":             {name: strings.Repeat("a", 40), spec: `{}`},
		"41 letters":             {name: strings.Repeat("a", 41), spec: `{}`, message: "at most 40 characters"},
		"dots":                   {name: "a.b", spec: `{}`, message: "must be a DNS label"},
		"a leading digit":        {name: "1a", spec: `{}`, message: "starts with a letter"},
		"everything":             {name: "everything", spec: everything},
		"emptied":                {name: "emptied", spec: emptied},
		"policy":                 {name: "policy", spec: `{deletionPolicy: Keep}`, message: `supported values: "Retain", "Delete"`},
		"negative API replicas":  {name: "x", spec: `{api: {replicas: -1}}`, message: "greater than or equal to 0"},
		"101 API replicas":       {name: "x", spec: `{api: {replicas: 101}}`, message: "less than or equal to 100"},
		"negative workers":       {name: "x", spec: `{worker: {replicas: -1}}`, message: "greater than or equal to 0"},
		"101 workers":            {name: "x", spec: `{worker: {replicas: 101}}`, message: "less than or equal to 100"},
		"no concurrency":         {name: "x", spec: `{worker: {concurrency: 0}}`, message: "greater than or equal to 1"},
		"empty class name":       {name: "x", spec: `{className: ""}`, message: "spec.className"},
		"no upload":              {name: "x", spec: `{api: {maxUploadSize: 0}}`, message: "maxUploadSize must be from one byte to 64Gi"},
		"less than no upload":    {name: "x", spec: `{api: {maxUploadSize: -1Gi}}`, message: "maxUploadSize must be from one byte to 64Gi"},
		"too large an upload":    {name: "x", spec: `{api: {maxUploadSize: 65Gi}}`, message: "maxUploadSize must be from one byte to 64Gi"},
		"no storage":             {name: "x", spec: `{redis: {storage: {size: 10}}}`, message: "size must be at least 1Mi"},
		"API: more than most":    {name: "x", spec: `{api: {autoscaling: {minReplicas: 3, maxReplicas: 2}}}`, message: "minReplicas cannot be more than maxReplicas"},
		"API scaled to none":     {name: "x", spec: `{api: {autoscaling: {minReplicas: 0, maxReplicas: 2}}}`, message: "greater than or equal to 1"},
		"workers without a most": {name: "x", spec: `{worker: {autoscaling: {minReplicas: 1}}}`, message: "maxReplicas: Required value"},
		"workers: more":          {name: "x", spec: `{worker: {autoscaling: {minReplicas: 3, maxReplicas: 2}}}`, message: "minReplicas cannot be more than maxReplicas"},
		"a language as a path":   {name: "x", spec: `{worker: {ocrLanguages: [../eng]}}`, message: "spec.worker.ocrLanguages[0]"},
		"languages twice":        {name: "x", spec: `{worker: {ocrLanguages: [eng, eng]}}`, message: "Duplicate value"},
		"our label":              {name: "x", spec: `{api: {template: {labels: {app.kubernetes.io/name: x}}}}`, message: "are the operator's"},
		"our annotation":         {name: "x", spec: `{worker: {template: {annotations: {docvault.io/x: x}}}}`, message: "are the operator's"},
		"another Service":        {name: "x", spec: `{api: {service: {type: ExternalName}}}`, message: `"LoadBalancer"`},
		"a nameless Secret":      {name: "x", spec: `{postgres: {external: {secretRef: {name: ""}}}}`, message: "spec.postgres.external.secretRef.name"},
		"a DSN":                  {name: "x", spec: `{postgres: {external: {secretRef: {}}}}`, message: "spec.postgres.external.secretRef.name"},
		"another provider":       {name: "x", spec: `{classification: {provider: gemini}}`, message: `"lmstudio"`},
		"builtin with a URL":     {name: "x", spec: `{classification: {baseURL: "http://a"}}`, message: "baseURL goes with"},
		"builtin with a key":     {name: "x", spec: `{classification: {apiKeySecretRef: {name: a, key: b}}}`, message: "apiKeySecretRef goes with"},
		"builtin with a model":   {name: "x", spec: `{classification: {provider: builtin, model: m}}`, message: "model goes with"},
		"half a key":             {name: "x", spec: `{classification: {provider: openai, apiKeySecretRef: {name: a}}}`, message: "name and key go together"},
		"URL with a password":    {name: "x", spec: `{classification: {provider: openai, baseURL: "http://u:p@a/v1"}}`, message: "spec.classification.baseURL"},
		"two ways":               {name: "x", spec: `{route: {host: a.example, ingress: {}, gateway: {parentRefs: [{name: a}]}}}`, message: "not both"},
		"a gateway to nothing":   {name: "x", spec: `{route: {gateway: {parentRefs: []}}}`, message: "at least 1 items"},
		"a URL for a host":       {name: "x", spec: `{route: {host: "https://a.example"}}`, message: "spec.route.host"},
		"a peer that is nobody":  {name: "x", spec: `{networkPolicy: {apiFrom: [{}]}}`, message: "a peer is an ipBlock"},
		"a peer that is two":     {name: "x", spec: `{networkPolicy: {apiFrom: [{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}]}}`, message: "a peer is an ipBlock"},
		"a wild host":            {name: "x", spec: `{route: {host: "*.example"}}`, message: "spec.route.host"},
		"a short period":         {name: "x", spec: `{rotation: {period: 59m, gracePeriod: 1m}}`, message: "period must be at least 1h"},
		"a long grace":           {name: "x", spec: `{rotation: {period: 2h, gracePeriod: 2h}}`, message: "must be shorter than period"},
		"a period of an hour":    {name: "x", spec: `{rotation: {period: 1h}}`, message: "must be shorter than period"},
		"grace forever":          {name: "x", spec: `{rotation: {gracePeriod: 721h}}`, message: "at most 720h"},
		"a grace of words":       {name: "x", spec: `{rotation: {gracePeriod: long}}`, message: "spec.rotation.gracePeriod"},
		"a negative grace":       {name: "x", spec: `{rotation: {gracePeriod: -1h}}`, message: "spec.rotation.gracePeriod"},
		"spread twice": {
			name: "x", spec: `{api: {template: {topologySpreadConstraints: [
				{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}, {maxSkew: 2, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]}}}`,
			message: "Duplicate value",
		},
		"a claim of a device":    {name: "x", spec: `{worker: {resources: {claims: [{name: gpu}]}}}`, message: "claims are not taken"},
		"a long label":           {name: "x", spec: `{api: {template: {labels: {a: ` + strings.Repeat("x", 64) + `}}}}`, message: "at most 63 letters"},
		"a long node":            {name: "x", spec: `{api: {template: {nodeSelector: {a: ` + strings.Repeat("x", 64) + `}}}}`, message: "at most 63 letters"},
		"storage of no quantity": {name: "x", spec: `{redis: {storage: {size: big}}}`, message: "spec.redis.storage.size"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			judge(t, c.Create(t.Context(), vault(t, namespace, tc.name, tc.spec), client.DryRunAll), tc.message)
		})
	}
}

// One vault that is stored and that the operator's types cannot hold would keep it from reading any: its lists fail as a whole.
func TestWhatIsTakenIsRead(t *testing.T) {
	t.Parallel()
	c, namespace := cluster(t)
	quantities := []string{
		"1", "0", "-1", "+1", "1.", ".5", "1.5Gi", "1e3", "1E-3", "1e+99", "1e1.5", "1e1.", "1e.5", "1e100", "1e999999999999", "1k", "1Ki", "1ki", "1KiB",
		"123456789012345678901234567890", "0.0000000000001", "\"\"", "\" 1\"", "1 Gi", "1e-99Gi", "1n", "1u", "null", "true", "9223372036854775808", "1.5",
	}
	var specs []string
	for _, quantity := range quantities {
		specs = append(specs,
			"{api: {resources: {requests: {memory: "+quantity+"}}}}", "{worker: {resources: {limits: {cpu: "+quantity+"}}}}",
			"{redis: {storage: {size: "+quantity+"}}}", "{api: {maxUploadSize: "+quantity+"}}")
	}
	for _, number := range []string{"1e30", "1e10", "-1e10", "3000000000", "9223372036854775808", "1.5", "1.0"} {
		specs = append(specs,
			"{api: {template: {tolerations: [{operator: Exists, effect: NoExecute, tolerationSeconds: "+number+"}]}}}",
			"{api: {template: {topologySpreadConstraints: [{maxSkew: "+number+", topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]}}}",
			"{worker: {template: {topologySpreadConstraints: [{maxSkew: 1, minDomains: "+number+", topologyKey: z, whenUnsatisfiable: DoNotSchedule}]}}}",
			"{api: {template: {affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: "+number+", preference: {}}]}}}}}",
			"{worker: {replicas: "+number+"}}", "{worker: {autoscaling: {maxReplicas: "+number+"}}}")
	}
	for _, duration := range []string{"1h", "1.5h", "90m", "1h1h", "99999999h", "1e3h", "1d", "1us", "+2h", "2h ", "2H", "2562047h48m"} {
		specs = append(specs, "{rotation: {gracePeriod: "+duration+"}}", "{rotation: {period: "+duration+", gracePeriod: 1m}}")
	}
	for _, spec := range specs {
		t.Run(spec, func(t *testing.T) {
			t.Parallel()
			o := vault(t, namespace, "read", spec)
			if err := c.Create(t.Context(), o, client.DryRunAll); err != nil {
				if !apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err) {
					t.Fatalf("refused with %v", err)
				}
				return
			}
			text, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &v1alpha1.DocVault{}); err != nil {
				t.Fatalf("taken, and not read: %v", err)
			}
		})
	}
}

const everything = `
className: standard
suspend: true
deletionPolicy: Delete
image: registry.example.com/docvault:v2
api:
  replicas: 0
  autoscaling: {minReplicas: 1, maxReplicas: 5, targetCPUUtilizationPercentage: 80}
  maxUploadSize: 5Gi
  resources: {requests: {cpu: 100m}, limits: {memory: 1Gi}}
  template:
    annotations: {example.com/team: acme}
    labels: {team: acme}
    nodeSelector: {disk: fast}
    tolerations: [{key: dedicated, operator: Equal, value: acme, effect: NoSchedule}]
    affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone, labelSelector: {}}]}}
    topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]
    priorityClassName: high
  service: {type: LoadBalancer, annotations: {example.com/lb: internal}}
worker:
  replicas: 100
  autoscaling: {minReplicas: 0, maxReplicas: 10, queueDepth: 20}
  concurrency: 64
  ocrLanguages: [eng, deu, fra, chi_sim]
  resources: {limits: {memory: 4Gi}}
  template: {labels: {team: acme}}
redis: {storage: {size: 1536Mi, storageClassName: fast}, external: {secretRef: {name: my-redis}}}
postgres: {external: {secretRef: {name: my-db}}}
objectStore: {external: {secretRef: {name: my-bucket}}}
classification: {provider: openai, model: m, baseURL: "http://models.svc:1234/v1", apiKeySecretRef: {name: keys, key: openai}, systemPrompt: File it.}
route: {host: docs.acme.example, ingress: {className: nginx, annotations: {example.com/a: b}, tlsSecretName: docs-tls}}
networkPolicy: {enabled: false, apiFrom: [{namespaceSelector: {matchLabels: {team: acme}}}, {ipBlock: {cidr: 10.0.0.0/8}}]}
rotation: {period: 720h, gracePeriod: 1h30m}
`

// emptied has the fields that may be written out empty, as if they were left out.
const emptied = `
image: ""
api: {resources: {}, template: {}, service: {type: ClusterIP, annotations: {}}}
classification: {provider: builtin, model: "", baseURL: "", apiKeySecretRef: {name: "", key: ""}, systemPrompt: ""}
route: {host: ""}
networkPolicy: {enabled: true, apiFrom: []}
`

func TestChangesOfVaultsAreJudged(t *testing.T) {
	t.Parallel()
	c, namespace := cluster(t)
	cases := map[string]struct{ from, to, message string }{
		"class stays":     {from: `{className: a}`, to: `{className: a, suspend: true}`},
		"class set":       {from: `{}`, to: `{className: a}`},
		"class changed":   {from: `{className: a}`, to: `{className: b}`, message: "className is immutable"},
		"class removed":   {from: `{className: a}`, to: `{}`, message: "className is immutable"},
		"storage grown":   {from: `{redis: {storage: {size: 900Mi}}}`, to: `{redis: {storage: {size: 1Gi}}}`},
		"storage respelt": {from: `{redis: {storage: {size: 1Gi}}}`, to: `{redis: {storage: {size: 1024Mi}}}`},
		"storage set":     {from: `{redis: {}}`, to: `{redis: {storage: {size: 1Gi}}}`},
		"storage shrunk":  {from: `{redis: {storage: {size: 1Gi}}}`, to: `{redis: {storage: {size: 900Mi}}}`, message: "can only grow"},
		"storage removed": {from: `{redis: {storage: {size: 1Gi}}}`, to: `{}`, message: "can only grow"},
		"volume's class": {
			from:    `{redis: {storage: {storageClassName: a}}}`,
			to:      `{redis: {storage: {storageClassName: b}}}`,
			message: "storageClassName is immutable",
		},
		"database taken out": {from: `{postgres: {external: {secretRef: {name: a}}}}`, to: `{}`, message: "can be neither added nor removed"},
		"database brought":   {from: `{}`, to: `{postgres: {external: {secretRef: {name: a}}}}`, message: "can be neither added nor removed"},
		"bucket brought":     {from: `{}`, to: `{objectStore: {external: {secretRef: {name: a}}}}`, message: "can be neither added nor removed"},
		"another secret":     {from: `{objectStore: {external: {secretRef: {name: a}}}}`, to: `{objectStore: {external: {secretRef: {name: b}}}}`},
		"a queue brought":    {from: `{}`, to: `{redis: {external: {secretRef: {name: a}}}}`},
		"replicas, policy":   {from: `{}`, to: `{api: {replicas: 3}, worker: {replicas: 0}, deletionPolicy: Delete}`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := vault(t, namespace, strings.NewReplacer(" ", "-", ",", "", "'", "").Replace(name), tc.from)
			judge(t, c.Create(t.Context(), o), "")
			judge(t, replaceSpec(t, c, o, tc.to), tc.message)
		})
	}
}

func TestABoundVaultNamesNoOtherClass(t *testing.T) {
	t.Parallel()
	c, namespace := cluster(t)
	o := vault(t, namespace, "bound", `{}`)
	judge(t, c.Create(t.Context(), o), "")
	bound := client.RawPatch(types.MergePatchType, []byte(`{"status": {"className": "standard"}}`))
	judge(t, c.Status().Patch(t.Context(), o, bound), "")
	judge(t, replaceSpec(t, c, o, `{className: other}`), "another class than the one that the vault is bound to")
	judge(t, replaceSpec(t, c, o, `{className: standard}`), "")
}

func TestWorkersOfAnEmptySpecCanBeScaled(t *testing.T) {
	t.Parallel()
	c, namespace := cluster(t)
	o := vault(t, namespace, "scaled", "")
	judge(t, c.Create(t.Context(), o), "")
	scale := client.RawPatch(types.MergePatchType, []byte(`{"spec": {"replicas": 3}}`))
	if err := c.SubResource("scale").Patch(t.Context(), o, scale, client.WithSubResourceBody(&autoscalingv1.Scale{})); err != nil {
		t.Fatal(err)
	}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(o), o); err != nil {
		t.Fatal(err)
	}
	if got, _, err := unstructured.NestedInt64(o.Object, "spec", "worker", "replicas"); got != 3 || err != nil {
		t.Fatalf("spec.worker.replicas = %d, %v", got, err)
	}
}

const minimalClass = `
postgres: {host: postgres.platform.svc, adminSecretRef: {name: postgres-admin}}
objectStore: {endpoint: "https://minio.platform.svc:9000", adminSecretRef: {name: minio-admin}}
runtime: {image: "ghcr.io/docvault/docvault:v0.1.0"}
`

func TestClassesAreJudgedWhenTheyAreMade(t *testing.T) {
	t.Parallel()
	c, _ := cluster(t)
	cases := map[string]struct {
		path    []string // what is changed in the minimal class
		value   any
		message string
	}{
		"minimal":            {},
		"no runtime image":   {path: []string{"runtime"}, value: map[string]any{}, message: "spec.runtime.image: Required value"},
		"no admin":           {path: []string{"postgres", "adminSecretRef"}, value: nil, message: "spec.postgres.adminSecretRef"},
		"TLS as one likes":   {path: []string{"postgres", "sslMode"}, value: "prefer", message: `"verify-full"`},
		"no port":            {path: []string{"postgres", "port"}, value: int64(0), message: "greater than or equal to 1"},
		"a DSN for a host":   {path: []string{"postgres", "host"}, value: "postgres://host", message: "spec.postgres.host"},
		"options for a host": {path: []string{"postgres", "host"}, value: "host sslmode=disable", message: "spec.postgres.host"},
		"a host and a port":  {path: []string{"postgres", "host"}, value: "postgres:5432", message: "host has no port"},
		"an address of IPv6": {path: []string{"postgres", "host"}, value: "2001:db8::1"},
		"a port of letters":  {path: []string{"objectStore", "endpoint"}, value: "http://minio:a", message: "endpoint must be a URL"},
		"a port too high":    {path: []string{"objectStore", "endpoint"}, value: "http://minio:99999", message: "endpoint must be a URL"},
		"half an address":    {path: []string{"objectStore", "endpoint"}, value: "http://[::1", message: "endpoint must be a URL"},
		"a wild endpoint":    {path: []string{"objectStore", "publicEndpoint"}, value: "https://*.example", message: "publicEndpoint must be a URL"},
		"IPv6 and a port":    {path: []string{"objectStore", "endpoint"}, value: "http://[2001:db8::1]:9000"},
		"a pull Secret twice": {
			path: []string{"runtime"}, message: "Duplicate value",
			value: map[string]any{"image": "a", "pullSecrets": []any{map[string]any{"name": "a"}, map[string]any{"name": "a"}}},
		},
		"no scheme":         {path: []string{"objectStore", "endpoint"}, value: "minio:9000", message: "spec.objectStore.endpoint"},
		"another scheme":    {path: []string{"objectStore", "endpoint"}, value: "s3://minio:9000", message: "spec.objectStore.endpoint"},
		"endpoint and path": {path: []string{"objectStore", "endpoint"}, value: "http://minio/a", message: "spec.objectStore.endpoint"},
		"public, with a path": {
			path: []string{"objectStore", "publicEndpoint"}, value: "http://minio/a", message: "spec.objectStore.publicEndpoint",
		},
		"host of two vaults": {path: []string{"hostTemplate"}, value: "vaults.example.com", message: "must be a host name that holds {name}"},
		"host of letters":    {path: []string{"hostTemplate"}, value: "{name}_{namespace}", message: "must be a host name that holds {name}"},
		"host":               {path: []string{"hostTemplate"}, value: "{name}-{namespace}.vaults.example.com"},
		"no vault at all":    {path: []string{"limits"}, value: map[string]any{"api": map[string]any{"maxReplicas": int64(0)}}, message: "greater than or equal to 1"},
		"no upload at all":   {path: []string{"limits"}, value: map[string]any{"maxUploadSize": "0"}, message: "maxUploadSize must be from one byte to 64Gi"},
		"other backends":     {path: []string{"allow"}, value: map[string]any{"external": []any{"kafka"}}, message: `"objectStore"`},
		"a negative budget":  {path: []string{"postgres", "connectionBudget"}, value: int64(-1), message: "greater than or equal to 0"},
		"equal patterns":     {path: []string{"allow"}, value: map[string]any{"images": []any{"a", "a"}}, message: "Duplicate value"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := class(t, minimalClass)
			if tc.path != nil {
				if err := unstructured.SetNestedField(o.Object, tc.value, append([]string{"spec"}, tc.path...)...); err != nil {
					t.Fatal(err)
				}
			}
			err := c.Create(t.Context(), o)
			if err == nil {
				t.Cleanup(func() { _ = c.Delete(context.Background(), o) })
			}
			judge(t, err, tc.message)
		})
	}
}

func TestWhereAClassPutsDataIsImmutable(t *testing.T) {
	t.Parallel()
	c, _ := cluster(t)
	o := class(t, minimalClass)
	judge(t, c.Create(t.Context(), o), "")
	t.Cleanup(func() { _ = c.Delete(context.Background(), o) })
	cases := []struct {
		path    []string
		value   any
		message string
	}{
		{[]string{"controllerName"}, "other.example/operator", "controllerName is immutable"},
		{[]string{"postgres", "host"}, "elsewhere", "host is immutable"},
		{[]string{"postgres", "port"}, int64(5433), "port is immutable"},
		{[]string{"objectStore", "endpoint"}, "https://elsewhere", "endpoint is immutable"},
		{[]string{"postgres", "sslMode"}, "require", ""},
		{[]string{"objectStore", "publicEndpoint"}, "https://files.example.com", ""},
		{[]string{"runtime", "image"}, "ghcr.io/docvault/docvault:v0.2.0", ""},
	}
	for _, tc := range cases {
		changed := o.DeepCopy()
		if err := unstructured.SetNestedField(changed.Object, tc.value, append([]string{"spec"}, tc.path...)...); err != nil {
			t.Fatal(err)
		}
		judge(t, c.Update(t.Context(), changed, client.DryRunAll), tc.message)
	}
}

func TestSamplesAreTaken(t *testing.T) {
	t.Parallel()
	c, namespace := cluster(t)
	for _, file := range []string{"docvault.yaml", "docvaultclass.yaml"} {
		text, err := os.ReadFile("../../config/samples/" + file)
		if err != nil {
			t.Fatal(err)
		}
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(text, &o.Object); err != nil {
			t.Fatal(err)
		}
		if o.GetKind() == "DocVault" {
			o.SetNamespace(namespace)
		}
		judge(t, client.NewDryRunClient(c).Create(t.Context(), o), "")
	}
}
