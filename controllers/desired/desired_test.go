package desired_test

import (
	"encoding/base64"
	"flag"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/controllers/desired"
)

var update = flag.Bool("update", false, "write the goldens in testdata anew")

// minimal is a vault of an empty spec in the smallest class.
func minimal() desired.Input {
	return desired.Input{
		Vault: &v1alpha1.DocVault{
			ObjectMeta: metav1.ObjectMeta{Name: "acme", Namespace: "tenant-a", UID: "00000000-0000-4000-8000-000000000001"},
		},
		Class: &v1alpha1.DocVaultClass{Spec: v1alpha1.DocVaultClassSpec{
			Runtime: v1alpha1.RuntimeDefaults{Image: "ghcr.io/docvault/docvault:v0.1.0"},
		}},
		Ledger: desired.Ledger{
			Postgres: desired.Postgres{
				Host: "postgres.platform.svc", Port: "5432", SSLMode: v1alpha1.SSLVerifyFull,
				Database: "dv_abcdefghijklmnop",
				AppLogin: "dv_abcdefghijklmnop_app_a", AppPassword: "app-password",
				MigrateLogin: "dv_abcdefghijklmnop_migrate_a", MigratePassword: "migrate-password",
			},
			ObjectStore: desired.ObjectStore{
				Endpoint: "https://minio.platform.svc", Region: "us-east-1",
				Bucket: "dv-abcdefghijklmnop", AccessKey: "access-key", SecretKey: "store-secret",
			},
			Redis:              []desired.RedisUser{{Name: "docvault_a", Password: "redis-password"}},
			RedisAdminPassword: "redis-admin-password",
			SecretKey:          "secret-key",
			Token:              "access-token",
		},
		Operator: desired.Operator{Namespace: "docvault-system"},
	}
}

// everything is a vault with all that can be set.
func everything() desired.Input {
	in := minimal()
	in.Vault.Spec = v1alpha1.DocVaultSpec{
		Image: "registry.example.com/docvault:v0.2.0",
		API: v1alpha1.APISpec{
			Replicas:      new(int32(3)),
			MaxUploadSize: new(resource.MustParse("5Gi")),
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("250m")},
				Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("512Mi")},
			},
			Template: template(),
			Service: v1alpha1.ServiceSpec{
				Type: "LoadBalancer", Annotations: map[string]string{"example.com/load-balancer": "internal"},
			},
		},
		Worker: v1alpha1.WorkerSpec{
			Replicas:     new(int32(4)),
			Concurrency:  new(int32(8)),
			OCRLanguages: []string{"eng", "deu"},
			Resources: corev1.ResourceRequirements{
				Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("4Gi")},
			},
			Template: v1alpha1.PodTemplate{PriorityClassName: "low"},
		},
		Route: v1alpha1.RouteSpec{
			Host: "docs.acme.example",
			Ingress: &v1alpha1.IngressRoute{
				ClassName: "nginx", Annotations: map[string]string{"example.com/rewrite": "/"}, TLSSecretName: "docs-tls",
			},
		},
		NetworkPolicy: v1alpha1.NetworkPolicySpec{APIFrom: []networkingv1.NetworkPolicyPeer{
			{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"name": "ingress"}}},
			{IPBlock: &networkingv1.IPBlock{CIDR: "10.0.0.0/8", Except: []string{"10.1.0.0/16"}}},
		}},
		Classification: v1alpha1.ClassificationSpec{Provider: "openai", BaseURL: "http://ollama.models.svc.cluster.local:11434/v1"},
		Redis: v1alpha1.RedisSpec{Storage: v1alpha1.StorageSpec{
			Size: new(resource.MustParse("2Gi")), StorageClassName: new("fast"),
		}},
	}
	in.Class.Spec.Redis.Image = "registry.example.com/redis:7.4"
	in.Class.Spec.Runtime.PullSecrets = []corev1.LocalObjectReference{{Name: "registry"}}
	in.Ledger.Postgres.CA = []byte("certificate of Postgres\n")
	in.Ledger.ObjectStore.CA = []byte("certificate of the store\n")
	in.Ledger.ObjectStore.PublicEndpoint = "https://files.example.com"
	in.Ledger.Redis = append(in.Ledger.Redis, desired.RedisUser{Name: "docvault_b", Password: "old-redis-password"})
	in.Ledger.SecretKeysPrevious = []string{"previous-key-1", "previous-key-2"}
	return in
}

// template has all that a user can want of pods, some of which the operator keeps for itself.
func template() v1alpha1.PodTemplate {
	return v1alpha1.PodTemplate{
		Annotations:  map[string]string{"example.com/team": "acme", "docvault.io/runtime-secret": "forged"},
		Labels:       map[string]string{"team": "acme", "app.kubernetes.io/instance": "forged"},
		NodeSelector: map[string]string{"kubernetes.io/arch": "amd64"},
		Tolerations:  []corev1.Toleration{{Key: "dedicated", Operator: corev1.TolerationOpExists}},
		Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{
				Weight: 100, PodAffinityTerm: corev1.PodAffinityTerm{
					TopologyKey:   "kubernetes.io/hostname",
					LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": "acme"}},
				},
			}},
		}},
		TopologySpreadConstraints: []corev1.TopologySpreadConstraint{
			{MaxSkew: 1, TopologyKey: "topology.kubernetes.io/zone", WhenUnsatisfiable: corev1.ScheduleAnyway},
			{MaxSkew: 2, TopologyKey: "kubernetes.io/hostname", WhenUnsatisfiable: corev1.DoNotSchedule},
		},
		PriorityClassName: "high",
	}
}

// scaled is a vault whose pods are scaled, by CPU.
func scaled() desired.Input {
	in := minimal()
	in.Vault.Spec.API.Autoscaling = &v1alpha1.APIAutoscaling{MinReplicas: new(int32(2)), MaxReplicas: 5}
	in.Vault.Spec.Worker.Autoscaling = &v1alpha1.WorkerAutoscaling{MinReplicas: new(int32(0)), MaxReplicas: 10}
	return in
}

// extended is the same where KEDA and the Gateway API are installed.
func extended() desired.Input {
	in := scaled()
	in.Vault.Spec.Worker.Autoscaling.QueueDepth = new(int32(50))
	in.Vault.Spec.Route.Gateway = &v1alpha1.GatewayRoute{ParentRefs: []v1alpha1.GatewayReference{
		{Name: "public", Namespace: "gateways", SectionName: "https"}, {Name: "own"},
	}}
	in.Class.Spec.HostTemplate = "{name}-{namespace}.vaults.example.com"
	in.Observed = desired.Observed{KEDA: true, GatewayAPI: true}
	return in
}

// suspended is a vault whose Redis volume is older than its spec.
func suspended() desired.Input {
	in := minimal()
	in.Vault.Spec.Suspend = true
	in.Vault.Spec.Redis.Storage.Size = new(resource.MustParse("3Gi"))
	in.Observed.RedisStorage = &desired.RedisStorage{Size: resource.MustParse("1Gi")}
	return in
}

// secretsOf returns the objects of a vault that may hold secrets, restOf all others.
func secretsOf(in desired.Input) []any {
	return []any{desired.RuntimeSecret(in), desired.MigrateSecret(in), desired.AccessSecret(in), desired.RedisSecret(in)}
}

func restOf(in desired.Input) []any {
	objects := []any{desired.RuntimeConfigMap(in)}
	if ca := desired.CAConfigMap(in); ca != nil {
		objects = append(objects, ca)
	}
	objects = append(objects,
		desired.RedisStatefulSet(in), desired.RedisService(in), desired.MigrationJob(in),
		desired.Deployment(in, desired.Worker(in)), desired.Deployment(in, desired.API(in)), desired.APIService(in))
	for _, policy := range desired.NetworkPolicies(in) {
		objects = append(objects, policy)
	}
	for _, object := range []any{
		desired.APIAutoscaler(in), desired.WorkerAutoscaler(in), desired.WorkerScaledObject(in), desired.MetricsService(in),
		desired.APIDisruptionBudget(in), desired.Ingress(in), desired.HTTPRoute(in),
	} {
		if !reflect.ValueOf(object).IsNil() {
			objects = append(objects, object)
		}
	}
	return objects
}

func TestGoldens(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]desired.Input{
		"minimal": minimal(), "everything": everything(), "suspended": suspended(), "scaled": scaled(), "extended": extended(),
		"brought": brought(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := yamlOf(t, append(secretsOf(in), restOf(in)...)...)
			file := "testdata/" + name + ".yaml"
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Fatalf("differs from %s: look at `go test ./controllers/desired -update && git diff`", file)
			}
		})
	}
}

func yamlOf(t *testing.T, objects ...any) string {
	t.Helper()
	var documents []string
	for _, object := range objects {
		text, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, string(text))
	}
	return strings.Join(documents, "---\n")
}

func TestSecretsAreInSecretsOnly(t *testing.T) {
	t.Parallel()
	in := everything()
	rest := yamlOf(t, restOf(in)...)
	for _, secret := range []string{
		"app-password", "migrate-password", "store-secret", "access-key", "redis-password", "old-redis-password", "redis-admin-password",
		"secret-key", "previous-key-1", "previous-key-2", "access-token",
	} {
		if strings.Contains(rest, secret) || strings.Contains(rest, base64.StdEncoding.EncodeToString([]byte(secret))) {
			t.Errorf("%s stands outside of the Secrets", secret)
		}
	}
	if acl := string(desired.RedisSecret(in).Data["users.acl"]); strings.Contains(acl, "redis-password") {
		t.Error("the access control list of Redis holds a password in clear")
	}
}

func TestOnlyTheMigrationHoldsTheMigrationLogin(t *testing.T) {
	t.Parallel()
	in := everything()
	migrate := *desired.MigrateSecret(in).Name
	for _, role := range []desired.Role{desired.API(in), desired.Worker(in)} {
		deployment := desired.Deployment(in, role)
		if strings.Contains(yamlOf(t, deployment), "name: "+migrate+"\n") {
			t.Errorf("%s reads %s", *deployment.Name, migrate)
		}
	}
	for key, value := range desired.RuntimeSecret(in).Data {
		migrate := in.Ledger.Postgres
		if strings.Contains(string(value), migrate.MigrateLogin) || strings.Contains(string(value), migrate.MigratePassword) {
			t.Errorf("%s in the runtime Secret holds the migration login", key)
		}
	}
}

// What a change replaces: pods of API and workers read their environment when they start, Redis and migrations must not be
// disturbed by what does not concern them.
func TestWhatAChangeReplaces(t *testing.T) {
	t.Parallel()
	type input = desired.Input
	both, all := []string{"acme-api", "acme-worker"}, []string{"acme-api", "acme-migrate", "acme-worker"}
	cases := map[string]struct {
		change   func(*input)
		replaces []string
	}{
		"nothing":                 {func(*input) {}, nil},
		"the app login":           {func(in *input) { in.Ledger.Postgres.AppLogin += "b" }, both},
		"the migration password":  {func(in *input) { in.Ledger.Postgres.MigratePassword = "other" }, nil},
		"the key of the store":    {func(in *input) { in.Ledger.ObjectStore.AccessKey = "other" }, both},
		"the user of Redis":       {func(in *input) { in.Ledger.Redis[0].Name = "docvault_b" }, both},
		"a second user of Redis":  {func(in *input) { in.Ledger.Redis = append(in.Ledger.Redis, desired.RedisUser{Name: "b"}) }, nil},
		"the admin of Redis":      {func(in *input) { in.Ledger.RedisAdminPassword = "other" }, nil},
		"a restart of Redis":      {func(in *input) { in.Ledger.RedisRestarted = "once" }, []string{"acme-redis"}},
		"the public endpoint":     {func(in *input) { in.Ledger.ObjectStore.PublicEndpoint = "https://x" }, both},
		"the count by autoscaler": {func(in *input) { in.Vault.Spec.API.Autoscaling = &v1alpha1.APIAutoscaling{MaxReplicas: 3} }, nil},
		"languages":               {func(in *input) { in.Vault.Spec.Worker.OCRLanguages = []string{"deu"} }, []string{"acme-worker"}},
		"labels of the API":       {func(in *input) { in.Vault.Spec.API.Template.Labels = map[string]string{"a": "b"} }, []string{"acme-api"}},
		"a route":                 {func(in *input) { in.Vault.Spec.Route.Ingress = &v1alpha1.IngressRoute{} }, nil},
		"a load balancer":         {func(in *input) { in.Vault.Spec.API.Service.Type = "LoadBalancer" }, nil},
		"concurrency":             {func(in *input) { in.Vault.Spec.Worker.Concurrency = new(int32(9)) }, []string{"acme-worker"}},
		"the image":               {func(in *input) { in.Vault.Spec.Image = "other:v2" }, all},
		"Redis's image":           {func(in *input) { in.Class.Spec.Redis.Image = "redis:8" }, []string{"acme-redis"}},
		"the volume in the spec":  {func(in *input) { in.Vault.Spec.Redis.Storage.Size = new(resource.MustParse("9Gi")) }, nil},
		"replicas, and suspended": {func(in *input) { in.Vault.Spec.Suspend = true }, nil},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := minimal()
			in.Observed.RedisStorage = &desired.RedisStorage{Size: resource.MustParse("1Gi")}
			before := podTemplates(in)
			tc.change(&in)
			after := podTemplates(in)
			var replaced []string
			for _, name := range slices.Sorted(maps.Keys(before)) {
				if !reflect.DeepEqual(before[name], after[name]) {
					replaced = append(replaced, name)
				}
			}
			if !slices.Equal(replaced, tc.replaces) {
				t.Fatalf("replaces %v, wanted %v", replaced, tc.replaces)
			}
		})
	}
}

// podTemplates returns what makes pods be replaced when it changes, by the name of what holds it.
func podTemplates(in desired.Input) map[string]any {
	redis, api, worker := desired.RedisStatefulSet(in), desired.Deployment(in, desired.API(in)), desired.Deployment(in, desired.Worker(in))
	return map[string]any{
		*redis.Name:    []any{redis.Spec.Template, redis.Spec.VolumeClaimTemplates},
		*api.Name:      api.Spec.Template,
		*worker.Name:   worker.Spec.Template,
		"acme-migrate": *desired.MigrationJob(in).Name,
	}
}

// The longest name that the CRD takes makes no name or label that Kubernetes refuses.
func TestLongNames(t *testing.T) {
	t.Parallel()
	in := minimal()
	in.Vault.Name = strings.Repeat("a", 40)
	for name, limit := range map[string]int{
		*desired.MigrationJob(in).Name:     63, // a label of its pods
		*desired.RedisStatefulSet(in).Name: 52, // with the hash of a revision, a label of its pods
		*desired.APIService(in).Name:       63,
		*desired.RedisService(in).Name:     63,
	} {
		if len(name) > limit {
			t.Errorf("%s has %d letters, %d are allowed", name, len(name), limit)
		}
	}
}

func TestImages(t *testing.T) {
	t.Parallel()
	class := minimal().Class
	class.Spec.Allow.Images = []string{"registry.example.com/docvault:*", "[broken"}
	for image, want := range map[string]bool{
		"ghcr.io/docvault/docvault:v0.1.0":          true, // the class's own
		"ghcr.io/docvault/docvault:v0.2.0":          false,
		"registry.example.com/docvault:v2":          true,
		"registry.example.com/docvault":             false,
		"registry.example.com/docvault:v2/evil":     false,
		"registry.example.com.evil/docvault:v2":     false,
		"evil/registry.example.com/docvault:v2":     false,
		"registry.example.com/docvault:v2@sha256:0": true,
	} {
		if got := desired.ImageAllowed(class, image); got != want {
			t.Errorf("ImageAllowed(%s) = %t", image, got)
		}
	}
	for image, want := range map[string]string{
		"ghcr.io/docvault/docvault:v0.1.0": "v0.1.0",
		"localhost:5000/docvault":          "latest",
		"localhost:5000/docvault:v1":       "v1",
		"docvault@sha256:0123":             "sha256:0123",
		"docvault:v1@sha256:0123":          "v1",
	} {
		if got := desired.Version(image); got != want {
			t.Errorf("Version(%s) = %s", image, got)
		}
	}
}

// An autoscaler computes how busy pods are as a part of the CPU that they request: of none there is no part.
func TestScaledPodsRequestCPU(t *testing.T) {
	t.Parallel()
	in := scaled()
	for _, none := range []corev1.ResourceRequirements{
		{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("0")}},
		{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")}},
	} {
		in.Vault.Spec.API.Resources = none
		requests := *desired.Deployment(in, desired.API(in)).Spec.Template.Spec.Containers[0].Resources.Requests
		if cpu := requests[corev1.ResourceCPU]; cpu.IsZero() {
			t.Errorf("%+v become requests of %v", none, requests)
		}
	}
}
