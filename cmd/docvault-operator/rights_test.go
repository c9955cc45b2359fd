package main

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/test/apiserver"
)

// patience is how long a vault may take on a busy machine.
const patience = 2 * time.Minute

// The program as it is installed: with the rights of the generated roles and no more, a vault comes up, is followed through a
// change, and goes with its data. Then the program ends when it is told to.
func TestTheOperatorNeedsNoMoreThanItsRoles(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		watched bool // the vault's namespace alone
		roles   []string
		flags   []string
	}{
		"in the cluster":       {roles: []string{vaultsRole, classesRole, classStatusRole, metricsRole}, flags: []string{"--metrics-bind-address=127.0.0.1:0"}},
		"in a namespace":       {watched: true, roles: []string{classesRole, classStatusRole}},
		"with classes as read": {watched: true, roles: []string{classesRole}, flags: []string{"--read-only-classes"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kube := adminClient(t)
			namespace := create(t, kube, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "docvault-system-"}}).Name
			tenant := newTenant(t, kube)
			flags := tc.flags
			user := grant(t, kube, namespace, tc.roles...)
			if tc.watched {
				grantIn(t, kube, namespace, tenant)
				flags = append(flags, "--watch-namespaces="+tenant)
			}
			class := createClass(t, kube, namespace)
			operator := startOperator(t, namespace, class.Spec.ControllerName, user, flags...)
			elsewhere := createVault(t, kube, class.Name, newTenant(t, kube))
			followThroughLife(t, kube, operator, createVault(t, kube, class.Name, tenant))
			if err := kube.Get(t.Context(), client.ObjectKeyFromObject(elsewhere), elsewhere); err != nil {
				t.Fatal(err)
			}
			if touched := len(elsewhere.Status.Conditions) > 0; touched == tc.watched {
				t.Errorf("a vault in another namespace: %+v", elsewhere.Status)
			}
			if tc.watched {
				remove(t, kube, elsewhere) // nobody else does
			} else {
				followToTheEnd(t, kube, operator, elsewhere)
			}
			followToTheEnd(t, kube, operator, class)
			operator.end(t)
			// "forbidden: User … cannot …" is a missing right. Events about other tests' vaults are forbidden too, while their namespaces go.
			if log := operator.log.String(); strings.Contains(log, "forbidden: User") {
				t.Errorf("something was forbidden:\n%s", log)
			}
		})
	}
}

// followThroughLife has a vault come up, change and go.
func followThroughLife(t *testing.T, kube client.Client, operator *program, vault *v1alpha1.DocVault) {
	t.Helper()
	await(t, operator, func(ctx context.Context) error { return isReady(ctx, kube, vault) })
	vault.Spec.Worker.Replicas = new(int32(2))
	if err := kube.Update(t.Context(), vault); err != nil {
		t.Fatal(err)
	}
	await(t, operator, func(ctx context.Context) error { return isReady(ctx, kube, vault) })
	followToTheEnd(t, kube, operator, vault)
}

func followToTheEnd(t *testing.T, kube client.Client, operator *program, object client.Object) {
	t.Helper()
	remove(t, kube, object)
	await(t, operator, func(ctx context.Context) error { return isGone(ctx, kube, object) })
}

func remove(t *testing.T, kube client.Client, object client.Object) {
	t.Helper()
	if err := kube.Delete(t.Context(), object); err != nil {
		t.Fatal(err)
	}
}

func need(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: run the tests with `make test`, which starts what they need", name)
	}
	return value
}

func adminClient(t *testing.T) client.Client {
	t.Helper()
	config := apiserver.ConfigWithCRDs(t)
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	kube, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return kube
}

// create makes an object, and removes it, whatever holds it, when the test has ended.
func create[T client.Object](t *testing.T, kube client.Client, object T) T {
	t.Helper()
	if err := kube.Create(t.Context(), object); err != nil {
		t.Fatalf("create %T: %v", object, err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		_ = kube.Delete(ctx, object)
		_ = kube.Patch(ctx, object, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`)))
	})
	return object
}

// The generated roles. The one of the operator's own namespace bears the name of the vaults'.
const (
	vaultsRole      = "docvault-operator"
	classesRole     = "docvault-operator-classes"
	classStatusRole = "docvault-operator-class-status"
	metricsRole     = "docvault-operator-metrics"
)

// rulesOf returns the rules of a generated role.
func rulesOf(t *testing.T, kind, name string) []rbacv1.PolicyRule {
	t.Helper()
	text, err := os.ReadFile("../../config/rbac/role.yaml")
	if err != nil {
		t.Fatal(err)
	}
	documents := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		var role rbacv1.ClusterRole // a Role reads the same
		if err := documents.Decode(&role); err != nil {
			t.Fatalf("no %s %s is generated: %v", kind, name, err)
		}
		if role.Kind == kind && role.Name == name {
			return role.Rules
		}
	}
}

// grant binds the operator's Role and some of the generated ClusterRoles to a service account in the namespace, and returns its
// user name.
func grant(t *testing.T, kube client.Client, namespace string, clusterRoles ...string) string {
	t.Helper()
	bindRole(t, kube, namespace, namespace, rulesOf(t, "Role", vaultsRole))
	for _, role := range clusterRoles {
		name := namespace + "." + role
		create(t, kube, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rulesOf(t, "ClusterRole", role)})
		create(t, kube, &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
			Subjects:   operatorOf(namespace),
		})
	}
	return "system:serviceaccount:" + namespace + ":docvault-operator"
}

// grantIn gives what the operator needs wherever vaults are in one namespace of theirs.
func grantIn(t *testing.T, kube client.Client, namespace, tenant string) {
	t.Helper()
	bindRole(t, kube, namespace, tenant, rulesOf(t, "ClusterRole", vaultsRole))
}

func bindRole(t *testing.T, kube client.Client, namespace, in string, rules []rbacv1.PolicyRule) {
	t.Helper()
	meta := metav1.ObjectMeta{Name: namespace, Namespace: in}
	create(t, kube, &rbacv1.Role{ObjectMeta: meta, Rules: rules})
	create(t, kube, &rbacv1.RoleBinding{
		ObjectMeta: meta,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: namespace},
		Subjects:   operatorOf(namespace),
	})
}

func operatorOf(namespace string) []rbacv1.Subject {
	return []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: namespace, Name: "docvault-operator"}}
}

func createClass(t *testing.T, kube client.Client, namespace string) *v1alpha1.DocVaultClass {
	t.Helper()
	postgres, err := url.Parse(need(t, "TEST_POSTGRES_URL"))
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseInt(postgres.Port(), 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := postgres.User.Password()
	admin := func(name string, data map[string]string) v1alpha1.SecretReference {
		create(t, kube, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, StringData: data})
		return v1alpha1.SecretReference{Name: name}
	}
	return create(t, kube, &v1alpha1.DocVaultClass{
		ObjectMeta: metav1.ObjectMeta{Name: namespace},
		Spec: v1alpha1.DocVaultClassSpec{
			ControllerName: "test.docvault.io/" + namespace,
			Postgres: v1alpha1.PostgresServer{
				Host: postgres.Hostname(), Port: int32(port), SSLMode: v1alpha1.SSLDisable,
				AdminSecretRef: admin("postgres", map[string]string{"username": postgres.User.Username(), "password": password}),
			},
			ObjectStore: v1alpha1.ObjectStoreServer{
				Endpoint: "http://" + need(t, "TEST_MINIO_ENDPOINT"),
				AdminSecretRef: admin("minio", map[string]string{
					"accessKey": need(t, "TEST_MINIO_ROOT_USER"), "secretKey": need(t, "TEST_MINIO_ROOT_PASSWORD"),
				}),
			},
			Runtime: v1alpha1.RuntimeDefaults{Image: "ghcr.io/docvault/docvault:v0.1.0"},
		},
	})
}

func newTenant(t *testing.T, kube client.Client) string {
	t.Helper()
	return create(t, kube, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: "tenant-", Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}).Name
}

// createVault makes a vault whose data goes with it, and the volume that its Redis will claim.
func createVault(t *testing.T, kube client.Client, class, namespace string) *v1alpha1.DocVault {
	t.Helper()
	create(t, kube, &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: namespace},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:               corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
			AccessModes:            []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/nowhere"}},
			ClaimRef:               &corev1.ObjectReference{Namespace: namespace, Name: "data-acme-redis-0"},
		},
	})
	return create(t, kube, &v1alpha1.DocVault{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "acme"},
		Spec:       v1alpha1.DocVaultSpec{ClassName: class, DeletionPolicy: v1alpha1.DeletionDelete},
	})
}

// program is the operator, started.
type program struct {
	cmd *exec.Cmd
	log *bytes.Buffer // read it only after the program has ended
}

// startOperator starts it; flags come after those that all tests need.
func startOperator(t *testing.T, namespace, controllerName, user string, flags ...string) *program {
	t.Helper()
	all := append([]string{"--controller-name=" + controllerName, "--metrics-bind-address=0", "--health-probe-bind-address=0"}, flags...)
	p := &program{cmd: exec.Command(os.Args[0], all...), log: &bytes.Buffer{}}
	p.cmd.Env = append(os.Environ(), asOperator+"=yes", "POD_NAMESPACE="+namespace, "KUBECONFIG="+kubeconfigOf(t, user))
	p.cmd.Stderr = p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.kill() })
	return p
}

// kubeconfigOf returns the path of a kubeconfig by which the cluster's admin acts as a user, with that user's rights.
func kubeconfigOf(t *testing.T, user string) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(apiserver.Kubeconfig(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range config.AuthInfos {
		info.Impersonate = user
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// end tells the program to end, and fails the test unless it does so in good order.
func (p *program) end(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("ends with %v:\n%s", err, p.log)
	}
}

// await tries check until it returns nil.
func await(t *testing.T, p *program, check func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		err := check(ctx)
		if err == nil {
			return
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			p.kill()
			t.Fatalf("after %s: %v\nthe operator's log:\n%s", patience, last, p.log)
		case <-tick.C:
		}
	}
}

func isReady(ctx context.Context, kube client.Client, vault *v1alpha1.DocVault) error {
	if err := kube.Get(ctx, client.ObjectKeyFromObject(vault), vault); err != nil {
		return err
	}
	for kind, wanted := range map[string]metav1.ConditionStatus{
		v1alpha1.ConditionReady: metav1.ConditionTrue, v1alpha1.ConditionReconciling: metav1.ConditionFalse,
	} {
		is := meta.FindStatusCondition(vault.Status.Conditions, kind)
		if is == nil || is.Status != wanted || is.ObservedGeneration != vault.Generation {
			return fmt.Errorf("%s is not %s yet: %+v", kind, wanted, vault.Status.Conditions)
		}
	}
	return nil
}

func isGone(ctx context.Context, kube client.Client, object client.Object) error {
	err := kube.Get(ctx, client.ObjectKeyFromObject(object), object)
	if err == nil {
		return fmt.Errorf("%s is still there", object.GetName())
	}
	return client.IgnoreNotFound(err)
}
