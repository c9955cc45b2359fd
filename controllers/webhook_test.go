package controllers_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	registrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// mirror is where a cluster's administrator has all images come from.
const mirror = "mirror.example/"

// mirrorImages has a webhook change the images of Deployments and StatefulSets in a namespace.
func (i *installation) mirrorImages(namespace string) {
	i.t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		review := admissionv1.AdmissionReview{}
		var object struct {
			Spec struct{ Template corev1.PodTemplateSpec }
		}
		if json.NewDecoder(r.Body).Decode(&review) != nil || json.Unmarshal(review.Request.Object.Raw, &object) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		response := &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
		if image := object.Spec.Template.Spec.Containers[0].Image; !strings.HasPrefix(image, mirror) {
			response.PatchType = new(admissionv1.PatchTypeJSONPatch)
			response.Patch = []byte(`[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"` + mirror + image + `"}]`)
		}
		_ = json.NewEncoder(w).Encode(admissionv1.AdmissionReview{TypeMeta: review.TypeMeta, Response: response})
	}))
	i.t.Cleanup(server.Close)
	webhook := &registrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: unique("mirror")},
		Webhooks: []registrationv1.MutatingWebhook{{
			Name: "mirror.docvault.io",
			ClientConfig: registrationv1.WebhookClientConfig{
				URL:      &server.URL,
				CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
			},
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}},
			Rules: []registrationv1.RuleWithOperations{{
				Operations: []registrationv1.OperationType{registrationv1.Create, registrationv1.Update},
				Rule: registrationv1.Rule{
					APIGroups: []string{appsv1.GroupName}, APIVersions: []string{"v1"}, Resources: []string{"deployments", "statefulsets"},
				},
			}},
			SideEffects:             new(registrationv1.SideEffectClassNone),
			AdmissionReviewVersions: []string{"v1"},
		}},
	}
	i.create(webhook)
	i.t.Cleanup(func() { _ = i.kube.Delete(context.Background(), webhook) })
}

// What a webhook changes of what the operator applies is taken for what the cluster wants: the vault settles, and is upgraded.
func TestAWebhookThatChangesImagesFreezesNoVault(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.edit(i.class, func() { i.class.Spec.Allow.Images = []string{"ghcr.io/docvault/docvault:*"} })
	vault := i.newVault("acme")
	i.mirrorImages(vault.Namespace)
	i.start()
	i.create(vault)
	i.awaitReady(vault)
	if image := i.apiImage(vault); image != mirror+i.class.Spec.Runtime.Image {
		t.Fatalf("the API runs %s", image)
	}
	i.awaitNoWrites("with a webhook", vault)
	if !strings.Contains(i.log.String(), leftOtherwise) {
		t.Error("the operator's log does not say what is changed")
	}
	i.setImage(vault, "ghcr.io/docvault/docvault:v0.2.0")
	i.awaitReady(vault)
	if image := i.apiImage(vault); image != mirror+"ghcr.io/docvault/docvault:v0.2.0" {
		t.Errorf("the API runs %s", image)
	}
	i.awaitNoWrites("upgraded, with a webhook", vault)
}
