package controllers

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// passOver returns a pass that has observed an API Deployment.
func passOver(vault *v1alpha1.DocVault, api *appsv1.Deployment) *pass {
	vault.Name, vault.Namespace = "acme", "tenant"
	api.Name, api.Spec.Selector = "acme-api", &metav1.LabelSelector{}
	api.Spec.Template.Spec.Containers = []corev1.Container{{Image: "ghcr.io/docvault/docvault:v0.1.0"}}
	return &pass{vault: vault, observed: &observed{children: map[childKey]client.Object{{"Deployment", "acme-api"}: api}}}
}

func TestAVaultThatIsReadySaysWhere(t *testing.T) {
	t.Parallel()
	api := &appsv1.Deployment{
		Spec:   appsv1.DeploymentSpec{Replicas: ptr.To(int32(2))},
		Status: appsv1.DeploymentStatus{Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 1},
	}
	p := passOver(&v1alpha1.DocVault{}, api)
	p.summarise(nil)
	status := p.vault.Status
	if !meta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionReady) || status.URL == "" {
		t.Errorf("url %q, conditions %+v", status.URL, status.Conditions)
	}
	if status.Version != "" {
		t.Errorf("version %s before all pods are of it", status.Version)
	}
}

func TestOfASuspendedVaultNothingIsMissing(t *testing.T) {
	t.Parallel()
	vault := &v1alpha1.DocVault{Spec: v1alpha1.DocVaultSpec{Suspend: true}}
	p := passOver(vault, &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: ptr.To(int32(0))}})
	p.summarise(nil)
	for _, kind := range []string{v1alpha1.ConditionAPIAvailable, v1alpha1.ConditionRedisReady, v1alpha1.ConditionReady} {
		if c := meta.FindStatusCondition(vault.Status.Conditions, kind); c.Reason != v1alpha1.ReasonSuspended {
			t.Errorf("%s: %s: %s", kind, c.Reason, c.Message)
		}
	}
}
