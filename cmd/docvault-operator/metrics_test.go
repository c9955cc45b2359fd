package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var (
	toldMetric       = regexp.MustCompile(`(?m)^# TYPE (docvault_operator_\w+) (\w+)$`)
	documentedMetric = regexp.MustCompile("(?m)^\\| `(docvault_operator_\\w+)` \\| (\\w+) \\|")
)

// Metrics are told to those who may read them, and to nobody else; and all that is told after a vault has come up is documented.
func TestMetrics(t *testing.T) {
	t.Parallel()
	kube := adminClient(t)
	namespace := create(t, kube, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "docvault-system-"}}).Name
	user := grant(t, kube, namespace, vaultsRole, classesRole, classStatusRole, metricsRole)
	class := createClass(t, kube, namespace)
	address := freeAddress(t)
	operator := startOperator(t, namespace, class.Spec.ControllerName, user, "--metrics-bind-address="+address)
	vault := createVault(t, kube, class.Name, newTenant(t, kube))
	await(t, operator, func(ctx context.Context) error { return isReady(ctx, kube, vault) })

	if status, _ := scrape(t, address, ""); status != http.StatusUnauthorized {
		t.Errorf("nobody in particular is answered with %d", status)
	}
	if status, _ := scrape(t, address, tokenOf(t, kube, namespace, "stranger")); status != http.StatusForbidden {
		t.Errorf("who may not read metrics is answered with %d", status)
	}
	reader := tokenOf(t, kube, namespace, "reader")
	letRead(t, kube, namespace, "reader")
	var told string
	await(t, operator, func(context.Context) error {
		status, text := scrape(t, address, reader)
		if told = text; status != http.StatusOK {
			return fmt.Errorf("who may read metrics is answered with %d", status)
		}
		return nil
	})
	areDocumented(t, told)
	for _, line := range []string{
		`docvault_operator_vaults{condition="Ready",reason="Serving",status="True"} `,
		`docvault_operator_events_total{reason="Serving",type="Normal"} `,
		`docvault_operator_class_ready{class="` + class.Name + `"} 1`,
		`docvault_operator_backend_up{backend="postgres",class="` + class.Name + `"} 1`,
		`docvault_operator_step_duration_seconds_count{outcome="done",step="observe"}`,
		`docvault_operator_backend_call_duration_seconds_count{backend="object_store",class="` + class.Name + `",outcome="ok",step="provision"}`,
	} {
		if !strings.Contains(told, line) {
			t.Errorf("not told: %s\nof\n%s", line, told)
		}
	}
	if strings.Contains(told, vault.Namespace) {
		t.Error("a tenant's namespace is told")
	}
	followToTheEnd(t, kube, operator, vault)
	followToTheEnd(t, kube, operator, class)
	operator.end(t)
}

func areDocumented(t *testing.T, told string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/operator-metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, row := range documentedMetric.FindAllStringSubmatch(string(page), -1) {
		documented[row[1]] = row[2]
	}
	for _, metric := range toldMetric.FindAllStringSubmatch(told, -1) {
		if documented[metric[1]] != metric[2] {
			t.Errorf("told of %s, a %s; docs/operator-metrics.md says %q", metric[1], metric[2], documented[metric[1]])
		}
		delete(documented, metric[1])
	}
	for metric := range documented {
		t.Errorf("docs/operator-metrics.md lists %s, of which nothing is told", metric)
	}
}

// freeAddress is one that nobody listened at a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// scrape reads the metrics with a token, or, where it is empty, without.
func scrape(t *testing.T, address, token string) (status int, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	// The certificate is made at the start: nobody can check it.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	answer, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// tokenOf makes a service account and returns a token of it.
func tokenOf(t *testing.T, kube client.Client, namespace, name string) string {
	t.Helper()
	account := create(t, kube, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})
	token := &authenticationv1.TokenRequest{}
	if err := kube.SubResource("token").Create(t.Context(), account, token); err != nil {
		t.Fatal(err)
	}
	return token.Status.Token
}

// letRead grants what the chart's metrics-reader does.
func letRead(t *testing.T, kube client.Client, namespace, name string) {
	t.Helper()
	role := create(t, kube, &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: namespace + "." + name},
		Rules:      []rbacv1.PolicyRule{{NonResourceURLs: []string{"/metrics"}, Verbs: []string{"get"}}},
	})
	create(t, kube, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: namespace, Name: name}},
	})
}
