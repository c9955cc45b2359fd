package scale_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/test/apiserver"
)

// installation is one operator process with two classes: the Postgres server of the second one can be taken away.
type installation struct {
	b         *testing.B
	config    *rest.Config
	kube      client.WithWatch
	namespace string
	metrics   string // address
	program   string
	process   *exec.Cmd
	classes   []*v1alpha1.DocVaultClass
	away      *runtimetest.Proxy
	vaults    []*v1alpha1.DocVault
}

func install(b *testing.B) *installation {
	b.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			b.Fatal(err)
		}
	}
	i := &installation{b: b, config: apiserver.ConfigWithCRDs(b), metrics: freeAddress(b), program: b.TempDir() + "/operator"}
	kube, err := client.NewWithWatch(i.config, client.Options{Scheme: scheme})
	if err != nil {
		b.Fatal(err)
	}
	i.kube = kube
	build := exec.CommandContext(b.Context(), "go", "build", "-o", i.program, "github.com/docvault/docvault/cmd/docvault-operator")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("build the operator: %v\n%s", err, out)
	}
	i.namespace = "scale-" + strings.ToLower(rand.Text())[:8]
	i.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: i.namespace}})
	i.makeClasses()
	b.Cleanup(i.end)
	return i
}

// need returns a variable that hack/services sets.
func need(b *testing.B, name string) string {
	b.Helper()
	value := os.Getenv(name)
	if value == "" {
		b.Fatalf("%s is not set: run `make bench-operator`, which starts what it needs", name)
	}
	return value
}

func freeAddress(b *testing.B) string {
	b.Helper()
	listener, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func (i *installation) create(object client.Object) {
	i.b.Helper()
	if err := i.kube.Create(i.b.Context(), object); err != nil {
		i.b.Fatalf("create %T %s: %v", object, object.GetName(), err)
	}
}

// makeClasses makes two classes on the same servers; one reaches Postgres through a proxy, under an address of its own.
func (i *installation) makeClasses() {
	i.b.Helper()
	admin := i.admin()
	password, _ := admin.User.Password()
	i.createSecret("postgres", map[string]string{"username": admin.User.Username(), "password": password})
	i.createSecret("minio", map[string]string{
		"accessKey": need(i.b, "TEST_MINIO_ROOT_USER"), "secretKey": need(i.b, "TEST_MINIO_ROOT_PASSWORD"),
	})
	i.away = runtimetest.NewProxy(i.b, admin.Host)
	for _, address := range []string{admin.Host, i.away.Addr} {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			i.b.Fatal(err)
		}
		number, err := strconv.ParseInt(port, 10, 32)
		if err != nil {
			i.b.Fatal(err)
		}
		class := &v1alpha1.DocVaultClass{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s-%d", i.namespace, len(i.classes))},
			Spec: v1alpha1.DocVaultClassSpec{
				ControllerName: i.controllerName(),
				Postgres: v1alpha1.PostgresServer{
					Host: host, Port: int32(number), SSLMode: v1alpha1.SSLDisable, AdminSecretRef: v1alpha1.SecretReference{Name: "postgres"},
				},
				ObjectStore: v1alpha1.ObjectStoreServer{
					Endpoint: "http://" + need(i.b, "TEST_MINIO_ENDPOINT"), AdminSecretRef: v1alpha1.SecretReference{Name: "minio"},
				},
				Runtime: v1alpha1.RuntimeDefaults{Image: "ghcr.io/docvault/docvault:v0.1.0"},
			},
		}
		i.create(class)
		i.classes = append(i.classes, class)
	}
}

func (i *installation) admin() *url.URL {
	i.b.Helper()
	admin, err := url.Parse(need(i.b, "TEST_POSTGRES_URL"))
	if err != nil {
		i.b.Fatal(err)
	}
	return admin
}

func (i *installation) createSecret(name string, data map[string]string) {
	i.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: i.namespace}, StringData: data})
}

func (i *installation) controllerName() string { return "docvault.io/" + i.namespace }

// start runs the operator until stop.
func (i *installation) start() {
	i.b.Helper()
	log, err := os.Create(i.program + ".log")
	if err != nil {
		i.b.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	i.process = exec.CommandContext(i.b.Context(), i.program,
		"--namespace", i.namespace, "--controller-name", i.controllerName(), "--leader-elect=false",
		"--metrics-bind-address", i.metrics, "--metrics-secure=false", "--health-probe-bind-address", "0")
	i.process.Env = append(os.Environ(), "KUBECONFIG="+apiserver.Kubeconfig(i.b))
	i.process.Stdout, i.process.Stderr = log, log
	if err := i.process.Start(); err != nil {
		i.b.Fatal(err)
	}
	i.eventually(time.Minute, func(ctx context.Context) error {
		_, err := i.readMetrics(ctx)
		return err
	})
}

func (i *installation) stop() {
	if i.process == nil {
		return
	}
	_ = i.process.Process.Signal(syscall.SIGTERM)
	_ = i.process.Wait()
	i.process = nil
}

// end removes what is left, whatever became of the benchmark.
func (i *installation) end() {
	i.stop()
	if log, err := os.ReadFile(i.program + ".log"); err == nil && i.b.Failed() {
		i.b.Logf("the end of the operator's log:\n%s", log[max(0, len(log)-4000):])
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, object := range append(asObjects(i.vaults), asObjects(i.classes)...) {
		_ = i.kube.Patch(ctx, object, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`)))
		_ = i.kube.Delete(ctx, object)
	}
	_ = i.kube.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: i.namespace}})
}

func asObjects[T client.Object](typed []T) []client.Object {
	var objects []client.Object
	for _, o := range typed {
		objects = append(objects, o)
	}
	return objects
}

// eventually asks until there is no error.
func (i *installation) eventually(limit time.Duration, ask func(context.Context) error) {
	i.b.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := ask(i.b.Context())
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			i.b.Fatalf("after %s: %v", limit, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}
