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
		"storage of no quantity": {name: "x", spec: `{redis: {storage: {size: big}}}`, message: "spec.redis.storage.size"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			judge(t, c.Create(t.Context(), vault(t, namespace, tc.name, tc.spec), client.DryRunAll), tc.message)
		})
	}
}

const everything = `
className: standard
suspend: true
deletionPolicy: Delete
image: registry.example.com/docvault:v2
api: {replicas: 0, maxUploadSize: 5Gi, resources: {requests: {cpu: 100m}, limits: {memory: 1Gi}}}
worker: {replicas: 100, concurrency: 64, resources: {limits: {memory: 4Gi}}}
redis: {storage: {size: 1536Mi, storageClassName: fast}}
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
		"replicas, policy": {from: `{}`, to: `{api: {replicas: 3}, worker: {replicas: 0}, deletionPolicy: Delete}`},
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
		"no scheme":          {path: []string{"objectStore", "endpoint"}, value: "minio:9000", message: "spec.objectStore.endpoint"},
		"another scheme":     {path: []string{"objectStore", "endpoint"}, value: "s3://minio:9000", message: "spec.objectStore.endpoint"},
		"endpoint and path":  {path: []string{"objectStore", "endpoint"}, value: "http://minio/a", message: "spec.objectStore.endpoint"},
		"public, with a path": {
			path: []string{"objectStore", "publicEndpoint"}, value: "http://minio/a", message: "spec.objectStore.publicEndpoint",
		},
		"equal patterns": {path: []string{"allow"}, value: map[string]any{"images": []any{"a", "a"}}, message: "Duplicate value"},
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
