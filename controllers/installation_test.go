package controllers_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/controllers"
)

// TestMain has more tests run at a time than there are processors: they wait for servers most of the time.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	ctrl.SetLogger(logr.Discard()) // of what no manager's own logger says
	m.Run()
}

// patience is how long a vault may take on a busy machine.
const patience = 90 * time.Second

// installation is one operator of a test's own: its namespace, its class, and servers that it reaches through effects. Other
// tests run theirs on the same API server at the same time.
type installation struct {
	t              *testing.T
	config         *rest.Config
	kube           client.Client // as the cluster's admin, past every cache
	namespace      string
	controllerName string
	class          *v1alpha1.DocVaultClass
	effects        *effects
	log            *logBuffer
	stop           func()
}

var scheme = func() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(s); err != nil {
			panic(err)
		}
	}
	return s
}()

var installCRDs = sync.OnceValue(func() error {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("TEST_KUBECONFIG"))
	if err != nil {
		return err
	}
	_, err = envtest.InstallCRDs(config, envtest.CRDInstallOptions{Paths: []string{"../config/crd/bases"}})
	return err
})

// install makes an installation with a class; the operator runs when started.
func install(t *testing.T) *installation {
	t.Helper()
	i := &installation{
		t: t, config: clusterConfig(t), controllerName: "test.docvault.io/" + unique("operator"),
		effects: newEffects(), log: &logBuffer{}, stop: func() {},
	}
	if err := installCRDs(); err != nil {
		t.Fatalf("install CRDs: %v", err)
	}
	kube, err := client.New(i.config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	i.kube = kube
	i.namespace = i.newNamespace("docvault-system")
	i.class = i.newClass(unique("class"))
	t.Cleanup(i.end)
	return i
}

// newClass makes a class whose servers are reached through the installation's effects.
func (i *installation) newClass(name string) *v1alpha1.DocVaultClass {
	i.t.Helper()
	admin := parseURL(i.t, need(i.t, "TEST_POSTGRES_URL"))
	password, _ := admin.User.Password()
	i.create(i.secret("postgres-"+name, map[string]string{"username": admin.User.Username(), "password": password}))
	i.create(i.secret("minio-"+name, map[string]string{
		"accessKey": need(i.t, "TEST_MINIO_ROOT_USER"), "secretKey": need(i.t, "TEST_MINIO_ROOT_PASSWORD"),
	}))
	postgres := parseURL(i.t, "tcp://"+i.effects.postgres(i.t, admin.Host))
	port, err := strconv.ParseInt(postgres.Port(), 10, 32)
	if err != nil {
		i.t.Fatal(err)
	}
	class := &v1alpha1.DocVaultClass{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.DocVaultClassSpec{
			ControllerName: i.controllerName,
			Postgres: v1alpha1.PostgresServer{
				Host: postgres.Hostname(), Port: int32(port), SSLMode: v1alpha1.SSLDisable,
				AdminSecretRef: v1alpha1.SecretReference{Name: "postgres-" + name},
			},
			ObjectStore: v1alpha1.ObjectStoreServer{
				Endpoint:       "http://" + i.effects.objectStore(i.t, need(i.t, "TEST_MINIO_ENDPOINT")),
				AdminSecretRef: v1alpha1.SecretReference{Name: "minio-" + name},
			},
			Runtime: v1alpha1.RuntimeDefaults{Image: "ghcr.io/docvault/docvault:v0.1.0"},
		},
	}
	i.create(class)
	return class
}

func (i *installation) secret(name string, data map[string]string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: i.namespace}, StringData: data}
}

func (i *installation) create(object client.Object) {
	i.t.Helper()
	if err := i.kube.Create(i.t.Context(), object); err != nil {
		i.t.Fatalf("create %T %s: %v", object, object.GetName(), err)
	}
}

// newNamespace makes a namespace that takes none but restricted pods.
func (i *installation) newNamespace(prefix string) string {
	i.t.Helper()
	name := unique(prefix)
	i.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: name, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}})
	return name
}

// start runs the operator until the returned function, or the test, ends it.
func (i *installation) start() (stop func()) {
	i.t.Helper()
	restConfig := rest.CopyConfig(i.config)
	restConfig.Wrap(i.effects.apiServer)
	skip := true
	mgr, err := ctrl.NewManager(restConfig, ctrl.Options{
		Scheme:     scheme,
		Cache:      controllers.CacheOptions(),
		Metrics:    server.Options{BindAddress: "0"},
		Logger:     logr.FromSlogHandler(slog.NewJSONHandler(i.log, nil)),
		Controller: config.Controller{SkipNameValidation: &skip},
	})
	if err != nil {
		i.t.Fatalf("make the manager: %v", err)
	}
	err = controllers.Setup(i.t.Context(), mgr, controllers.Installation{
		Namespace: i.namespace, ControllerName: i.controllerName, Workers: 4,
	})
	if err != nil {
		i.t.Fatalf("set up: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	i.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
	})
	return i.stop
}

// end stops the operator and removes what the test left in the cluster.
func (i *installation) end() {
	i.stop()
	if i.t.Failed() {
		i.t.Logf("the operator's log:\n%s", i.log)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	vaults := &v1alpha1.DocVaultList{}
	_ = i.kube.List(ctx, vaults)
	for _, vault := range vaults.Items {
		if vault.Spec.ClassName == i.class.Name {
			i.forget(ctx, &vault)
			_ = i.kube.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: vault.Namespace}})
		}
	}
	i.forget(ctx, i.class)
	_ = i.kube.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: i.namespace}})
}

// forget removes an object without its finalizer's leave.
func (i *installation) forget(ctx context.Context, object client.Object) {
	_ = i.kube.Patch(ctx, object, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`)))
	_ = i.kube.Delete(ctx, object)
}

// newVault returns a vault in a namespace of its own, and a volume for its Redis. It is not created yet.
func (i *installation) newVault(name string) *v1alpha1.DocVault {
	i.t.Helper()
	return i.newVaultIn(i.newNamespace("tenant"), name)
}

func (i *installation) newVaultIn(namespace, name string) *v1alpha1.DocVault {
	i.t.Helper()
	volume := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: unique("redis")},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
			AccessModes:                   []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			PersistentVolumeSource:        corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/nowhere"}},
			ClaimRef:                      &corev1.ObjectReference{Namespace: namespace, Name: "data-" + name + "-redis-0"},
		},
	}
	i.create(volume)
	i.t.Cleanup(func() { _ = i.kube.Delete(context.Background(), volume) })
	return &v1alpha1.DocVault{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
		Spec:       v1alpha1.DocVaultSpec{ClassName: i.class.Name},
	}
}

// readyVault makes a vault and waits until it is Ready and settled.
func (i *installation) readyVault(name string, change ...func(*v1alpha1.DocVault)) *v1alpha1.DocVault {
	i.t.Helper()
	vault := i.newVault(name)
	for _, c := range change {
		c(vault)
	}
	i.create(vault)
	i.awaitReady(vault)
	return vault
}

// awaitReady waits until a vault is Ready and settled at its present generation.
func (i *installation) awaitReady(vault *v1alpha1.DocVault) {
	i.t.Helper()
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	i.await(vault, v1alpha1.ConditionReconciling, metav1.ConditionFalse, v1alpha1.ReasonSettled)
}

// await waits for a condition at the vault's present generation; an empty reason is any.
func (i *installation) await(vault *v1alpha1.DocVault, kind string, status metav1.ConditionStatus, reason string) {
	i.t.Helper()
	eventually(i.t, patience, func(ctx context.Context) error {
		if err := i.kube.Get(ctx, client.ObjectKeyFromObject(vault), vault); err != nil {
			return err
		}
		c := meta.FindStatusCondition(vault.Status.Conditions, kind)
		if c == nil || c.Status != status || (reason != "" && c.Reason != reason) || c.ObservedGeneration != vault.Generation {
			return fmt.Errorf("%s of %s is not %s %s yet: %s", kind, vault.Name, status, reason, describe(vault.Status.Conditions))
		}
		return nil
	})
}

func describe(conditions []metav1.Condition) string {
	var b strings.Builder
	for _, c := range conditions {
		fmt.Fprintf(&b, "\n  %s=%s %s: %s", c.Type, c.Status, c.Reason, c.Message)
	}
	return b.String()
}

// awaitGone waits until the API server does not know an object any more.
func (i *installation) awaitGone(object client.Object) {
	i.t.Helper()
	eventually(i.t, patience, func(ctx context.Context) error {
		err := i.kube.Get(ctx, client.ObjectKeyFromObject(object), object)
		if err == nil {
			return fmt.Errorf("%T %s is still there", object, object.GetName())
		}
		return client.IgnoreNotFound(err)
	})
}

// ledger returns the Secret that lists a vault's credentials; there must be exactly one.
func (i *installation) ledger(vault *v1alpha1.DocVault) *corev1.Secret {
	i.t.Helper()
	ledgers := i.ledgers(vault)
	if len(ledgers) != 1 {
		i.t.Fatalf("%s/%s has %d ledgers, want one", vault.Namespace, vault.Name, len(ledgers))
	}
	return &ledgers[0]
}

func (i *installation) ledgers(vault *v1alpha1.DocVault) []corev1.Secret {
	i.t.Helper()
	secrets := &corev1.SecretList{}
	if err := i.kube.List(i.t.Context(), secrets, client.InNamespace(i.namespace)); err != nil {
		i.t.Fatal(err)
	}
	var found []corev1.Secret
	for _, s := range secrets.Items {
		if string(s.Data["vaultNamespace"]) == vault.Namespace && string(s.Data["vaultName"]) == vault.Name {
			found = append(found, s)
		}
	}
	return found
}

// need returns a variable that the test services give.
func need(t testing.TB, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: run the tests with `make test`, which starts what they need", name)
	}
	return value
}

func clusterConfig(t testing.TB) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", need(t, "TEST_KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	return config
}

func parseURL(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// unique returns a name that no other test, nor another run of this one, uses.
func unique(prefix string) string {
	random := make([]byte, 5)
	rand.Read(random)
	return prefix + "-" + strings.ToLower(base32.StdEncoding.EncodeToString(random))
}

// eventually tries check until it returns nil, and fails the test with its last error after the time given.
func eventually(t testing.TB, within time.Duration, check func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		err := check(ctx)
		if err == nil {
			return
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			last = err
		}
		select {
		case <-ctx.Done():
			t.Fatal(fmt.Errorf("after %s: %w", within, last))
		case <-tick.C:
		}
	}
}

// logBuffer keeps what an operator logs, for the tests that look for secrets in it.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (i *installation) namespaceUID(name string) types.UID {
	i.t.Helper()
	namespace := &corev1.Namespace{}
	i.get(namespace, "", name)
	return namespace.UID
}

// edit changes an object as somebody else than the operator would.
func (i *installation) edit(object client.Object, change func()) {
	i.t.Helper()
	before := object.DeepCopyObject().(client.Object)
	change()
	if err := i.kube.Patch(i.t.Context(), object, client.MergeFrom(before), client.FieldOwner("somebody")); err != nil {
		i.t.Fatalf("edit %T %s: %v", object, object.GetName(), err)
	}
}

// anotherPass has the operator look at a vault once more, and waits until it has.
func (i *installation) anotherPass(vault *v1alpha1.DocVault) {
	i.t.Helper()
	before, _ := i.effects.seen()
	i.edit(vault, func() {
		vault.Annotations = map[string]string{"test.docvault.io/poke": unique("poke")}
	})
	eventually(i.t, patience, func(context.Context) error {
		if now, _ := i.effects.seen(); now == before {
			return errors.New("the operator has not looked at the vault")
		}
		return nil
	})
}
