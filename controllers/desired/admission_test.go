package desired_test

import (
	"context"
	"encoding/json"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/controllers/desired"
	"github.com/docvault/docvault/test/apiserver"
)

// A real API server admits the pods in a namespace that enforces the restricted Pod Security profile.
func TestPodsPassTheRestrictedProfile(t *testing.T) {
	t.Parallel()
	c, err := client.New(apiserver.Config(t), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: "desired-",
		Labels:       map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	if err := c.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Delete(context.Background(), namespace) })
	in := everything()
	for name, template := range map[string]*coreac.PodTemplateSpecApplyConfiguration{
		"redis":   desired.RedisStatefulSet(in).Spec.Template,
		"migrate": desired.MigrationJob(in).Spec.Template,
		"worker":  desired.Deployment(in, desired.Worker(in)).Spec.Template,
		"api":     desired.Deployment(in, desired.API(in)).Spec.Template,
	} {
		pod := podOf(t, template, namespace.Name, name)
		if err := c.Create(t.Context(), pod, client.DryRunAll); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func podOf(t *testing.T, template *coreac.PodTemplateSpecApplyConfiguration, namespace, name string) *corev1.Pod {
	t.Helper()
	text, err := json.Marshal(template)
	if err != nil {
		t.Fatal(err)
	}
	var pod corev1.Pod
	if err := json.Unmarshal(text, &pod); err != nil {
		t.Fatal(err)
	}
	pod.Namespace, pod.Name = namespace, name
	pod.Spec.PriorityClassName = "" // the server has none but its own
	for _, mount := range pod.Spec.Containers[0].VolumeMounts {
		if mount.Name == "data" { // what the StatefulSet controller adds
			pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "data", VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"},
			}})
		}
	}
	return &pod
}
