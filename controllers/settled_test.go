package controllers_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

func TestASettledVaultCostsNoWrite(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	// The pass that found the vault settled has ended when the next one begins.
	i.anotherPass(vault)
	effects := i.effects.count()
	_, events := i.effects.seen()
	for range 3 {
		i.anotherPass(vault)
	}
	if made := i.effects.since(effects); len(made) > 0 {
		t.Errorf("three passes over a settled vault made:\n%s", strings.Join(made, "\n"))
	}
	if _, now := i.effects.seen(); now != events {
		t.Errorf("three passes over a settled vault told %d events", now-events)
	}
}

func TestTheUsersSpecStaysAsItWasApplied(t *testing.T) {
	t.Parallel()
	i := install(t)
	vault := i.newVault("acme")
	vault.Spec.Worker.Concurrency = ptr.To(int32(3))
	i.create(vault)
	applied, err := json.Marshal(vault.Spec)
	if err != nil {
		t.Fatal(err)
	}
	i.start()
	i.awaitReady(vault)
	if now, _ := json.Marshal(vault.Spec); string(now) != string(applied) {
		t.Errorf("spec was %s, is %s", applied, now)
	}
	if vault.Generation != 1 {
		t.Errorf("generation %d: somebody wrote the spec", vault.Generation)
	}
	for _, entry := range vault.ManagedFields {
		if entry.Subresource == "" && entry.Manager != "controllers.test" && strings.Contains(entry.FieldsV1.GetRawString(), `"f:spec"`) {
			t.Errorf("%s owns fields of the spec", entry.Manager)
		}
	}
}

// A drift is one change that somebody makes to a child.
type drift struct {
	child  client.Object
	name   string
	change func(client.Object)
}

func drifts() []drift {
	secret := func(key string) func(client.Object) {
		return func(o client.Object) { o.(*corev1.Secret).Data[key] = []byte("edited") }
	}
	return []drift{
		{&corev1.Secret{}, "acme-runtime", secret("DATABASE_URL")},
		{&corev1.Secret{}, "acme-runtime", func(o client.Object) { delete(o.(*corev1.Secret).Data, "SECRET_KEY") }},
		{&corev1.Secret{}, "acme-migrate", secret("DATABASE_MIGRATE_URL")},
		{&corev1.Secret{}, "acme-access", secret("token")},
		{&corev1.Secret{}, "acme-redis", secret("users.acl")},
		{&corev1.Service{}, "acme-api", func(o client.Object) {
			o.(*corev1.Service).Spec.Ports[0].TargetPort = intstr.FromInt32(1)
		}},
		{&corev1.Service{}, "acme-redis", func(o client.Object) {
			o.(*corev1.Service).Spec.Selector["app.kubernetes.io/instance"] = "another"
		}},
		{&appsv1.StatefulSet{}, "acme-redis", func(o client.Object) { o.(*appsv1.StatefulSet).Spec.Replicas = ptr.To(int32(0)) }},
		{&appsv1.StatefulSet{}, "acme-redis", func(o client.Object) {
			o.(*appsv1.StatefulSet).Spec.Template.Spec.Containers[0].Args = []string{"--protected-mode", "no"}
		}},
		{&appsv1.Deployment{}, "acme-worker", func(o client.Object) { o.(*appsv1.Deployment).Spec.Replicas = ptr.To(int32(7)) }},
		{&appsv1.Deployment{}, "acme-api", func(o client.Object) {
			o.(*appsv1.Deployment).Spec.Template.Spec.Containers[0].Image = "example.com/other:v1"
		}},
		{&appsv1.Deployment{}, "acme-api", func(o client.Object) {
			o.(*appsv1.Deployment).Spec.Template.Spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem = ptr.To(false)
		}},
		{&appsv1.Deployment{}, "acme-api", func(o client.Object) {
			o.SetLabels(map[string]string{"app.kubernetes.io/name": "docvault"}) // out of the operator's sight
		}},
	}
}

func TestDriftIsRepaired(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	i.mend(vault, drifts())
}

// mend makes each drift of a vault's children and waits until it is put back.
func (i *installation) mend(vault *v1alpha1.DocVault, all []drift) {
	t := i.t
	t.Helper()
	for _, d := range all {
		i.get(d.child, vault.Namespace, d.name)
		before := substance(t, d.child)
		i.edit(d.child, func() { d.change(d.child) })
		if substance(t, d.child) == before {
			t.Fatalf("the edit of %T %s changed nothing", d.child, d.name)
		}
		i.awaitObject(d.child, func() error {
			if now := substance(t, d.child); now != before {
				return fmt.Errorf("%T %s is still %s, was %s", d.child, d.name, now, before)
			}
			return nil
		})
	}
}

// substance is an object without what the API server and controllers write into it.
func substance(t testing.TB, object client.Object) string {
	t.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]any{}
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	delete(fields, "metadata")
	delete(fields, "status")
	fields["labels"] = object.GetLabels()
	annotations := maps.Clone(object.GetAnnotations())
	delete(annotations, "deployment.kubernetes.io/revision")
	if len(annotations) > 0 {
		fields["annotations"] = annotations
	}
	text, err = json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestWhatOthersAddStays(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	service := &corev1.Service{}
	i.get(service, vault.Namespace, "acme-api")
	i.edit(service, func() { service.Annotations = map[string]string{"example.com/added": "yes"} })
	i.anotherPass(vault)
	i.anotherPass(vault)
	i.get(service, vault.Namespace, "acme-api")
	if service.Annotations["example.com/added"] != "yes" {
		t.Error("an annotation that somebody added is gone")
	}
}

func TestARemovedChildComesBack(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	config := &corev1.ConfigMapList{}
	if err := i.kube.List(t.Context(), config, client.InNamespace(vault.Namespace),
		client.MatchingLabels{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}); err != nil || len(config.Items) != 1 {
		t.Fatalf("%d ConfigMaps of the operator, %v", len(config.Items), err)
	}
	children := []client.Object{&config.Items[0]}
	for _, name := range []string{"runtime", "migrate", "access", "redis"} {
		children = append(children, named(&corev1.Secret{}, vault.Namespace, "acme-"+name))
	}
	for _, name := range []string{"api", "redis"} {
		children = append(children, named(&corev1.Service{}, vault.Namespace, "acme-"+name))
	}
	for _, name := range []string{"api", "worker"} {
		children = append(children, named(&appsv1.Deployment{}, vault.Namespace, "acme-"+name))
	}
	children = append(children, named(&appsv1.StatefulSet{}, vault.Namespace, "acme-redis"))
	for _, child := range children {
		i.get(child, child.GetNamespace(), child.GetName())
		uid := child.GetUID()
		if err := i.kube.Delete(t.Context(), child); err != nil {
			t.Fatal(err)
		}
		i.awaitObject(child, func() error {
			if child.GetUID() == uid {
				return errors.New("still the old one")
			}
			return nil
		})
	}
	i.awaitReady(vault)
}

func named[T client.Object](object T, namespace, name string) T {
	object.SetNamespace(namespace)
	object.SetName(name)
	return object
}

// What serves is not said to be away because the cache does not know it any more.
func TestAChildWithoutItsLabelsServesOn(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	api := &appsv1.Deployment{}
	i.get(api, vault.Namespace, "acme-api")
	i.edit(api, func() { delete(api.Labels, v1alpha1.LabelManagedBy) })
	i.awaitObject(api, func() error {
		if api.Labels[v1alpha1.LabelManagedBy] == "" {
			return errors.New("the label is not put back yet")
		}
		return nil
	})
	i.awaitReady(vault)
	for _, event := range i.events(vault) {
		if event.Type == corev1.EventTypeWarning && event.Reason == v1alpha1.ReasonNotStarted {
			t.Errorf("it was told: %s", event.Note)
		}
	}
}
