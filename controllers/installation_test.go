package controllers_test

import (
	"context"
	"flag"
	"log/slog"
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/controllers"
	"github.com/docvault/docvault/test/apiserver"
)

// TestMain has more tests run at a time than there are processors: they wait for servers most of the time. Garbage is collected less often,
// as in the API server of the tests: a sixth of its processor time went there.
func TestMain(m *testing.M) {
	flag.Parse()
	debug.SetGCPercent(400)
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
	t              testing.TB
	config         *rest.Config
	kube           client.Client // as the cluster's admin, past every cache
	namespace      string
	controllerName string
	class          *v1alpha1.DocVaultClass
	effects        *effects
	log            *logBuffer
	redis          *redises
	metrics        *prometheus.Registry // of the operator that was started last
	working        <-chan struct{}      // closed when that operator has filled its caches and works
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

// install makes an installation with a class; the operator runs when started.
func install(t testing.TB) *installation {
	t.Helper()
	i := &installation{
		t: t, config: apiserver.ConfigWithCRDs(t), controllerName: "test.docvault.io/" + unique("operator"),
		effects: newEffects(), log: &logBuffer{}, stop: func() {},
	}
	kube, err := client.New(i.config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	i.kube = kube
	i.redis = newRedises(t, kube, i.effects)
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
	i.stop, _ = i.run(i.effects, ctrl.Options{})
	return i.stop
}

// run runs an operator that reaches the API server through e, until stop is called or it ends by itself.
func (i *installation) run(e *effects, options ctrl.Options) (stop func(), ended <-chan struct{}) {
	i.t.Helper()
	i.metrics = prometheus.NewRegistry()
	settings := controllers.Installation{
		Namespace: i.namespace, ControllerName: i.controllerName, Workers: 4, DialRedis: i.redis.dial, Metrics: i.metrics,
	}
	restConfig := rest.CopyConfig(i.config)
	restConfig.Wrap(e.apiServer)
	skip := true
	options.Scheme = scheme
	options.Cache = controllers.CacheOptions(settings)
	options.Metrics = server.Options{BindAddress: "0"}
	options.Logger = logr.FromSlogHandler(slog.NewJSONHandler(i.log, nil))
	options.Controller = config.Controller{SkipNameValidation: &skip}
	mgr, err := ctrl.NewManager(restConfig, options)
	if err != nil {
		i.t.Fatalf("make the manager: %v", err)
	}
	err = controllers.Setup(i.t.Context(), mgr, settings)
	if err != nil {
		i.t.Fatalf("set up: %v", err)
	}
	i.working = mgr.Elected()
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan struct{})
	go func() {
		defer close(end)
		_ = mgr.Start(ctx) // a manager that could not start has said so in the log
	}()
	return func() {
		cancel()
		<-end
	}, end
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
