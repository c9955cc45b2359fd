package controllers

import (
	"context"
	"strings"
	"testing"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/test/apiserver"
)

func TestWhatCouldNotBeReadIsUnknown(t *testing.T) {
	t.Parallel()
	kube, err := client.New(apiserver.Config(t), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	vault := &v1alpha1.DocVault{}
	p := &pass{DocVaultReconciler: &DocVaultReconciler{Client: kube, extensions: &extensions{}}, vault: vault}
	p.set(v1alpha1.ConditionAPIAvailable, isTrue(v1alpha1.ReasonAvailable, "2 API pods are available"))
	cutOff, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = p.observe(cutOff); err == nil {
		t.Fatal("a list that was cut off is no error")
	}
	p.summarise(err)
	for _, kind := range []string{
		v1alpha1.ConditionRedisReady, v1alpha1.ConditionWorkerAvailable, v1alpha1.ConditionAPIAvailable, v1alpha1.ConditionReady,
	} {
		if c := meta.FindStatusCondition(vault.Status.Conditions, kind); c.Status != metav1.ConditionUnknown {
			t.Errorf("%s is %s %s, want Unknown", kind, c.Status, c.Reason)
		}
	}
}

// The API server takes no condition of more than 32,768 letters, and refuses the whole status with it.
func TestLongMessagesAreShortened(t *testing.T) {
	t.Parallel()
	var conditions []metav1.Condition
	setCondition(&conditions, 1, v1alpha1.ConditionReady, isFalse(v1alpha1.ReasonInvalidSpec, "x"+strings.Repeat("ä", 40_000)))
	if said := conditions[0].Message; len(said) > 5000 || !utf8.ValidString(said) || !strings.HasSuffix(said, "ä [...]") {
		t.Errorf("%d bytes that end with %q", len(said), said[len(said)-12:])
	}
}
