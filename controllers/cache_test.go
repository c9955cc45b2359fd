package controllers

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestCachedObjectsShareWhatIsOwned(t *testing.T) {
	t.Parallel()
	fields := &managedFields{}
	slimmed := func(owned string) *corev1.Secret {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "a", ManagedFields: []metav1.ManagedFieldsEntry{
			{Manager: "kube-controller-manager", FieldsV1: metav1.NewFieldsV1(`{"f:status":{}}`)},
			{Manager: FieldOwner, Operation: metav1.ManagedFieldsOperationApply, FieldsV1: metav1.NewFieldsV1(owned)},
		}}}
		slim, err := fields.slim(secret)
		if err != nil {
			t.Fatal(err)
		}
		return slim.(*corev1.Secret)
	}
	one, other, third := slimmed(`{"f:data":{}}`), slimmed(`{"f:data":{}}`), slimmed(`{"f:type":{}}`)
	for _, secret := range []*corev1.Secret{one, other, third} {
		if len(secret.ManagedFields) != 1 || secret.ManagedFields[0].Manager != FieldOwner {
			t.Fatalf("%+v", secret.ManagedFields)
		}
	}
	if one.ManagedFields[0].FieldsV1 != other.ManagedFields[0].FieldsV1 {
		t.Error("equal fields are kept twice")
	}
	if third.ManagedFields[0].FieldsV1.GetRawString() != `{"f:type":{}}` {
		t.Error("other fields came out")
	}
	if _, err := fields.slim("no object"); err != nil {
		t.Error(err)
	}
}
