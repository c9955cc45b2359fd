// Package v1alpha1 is the Kubernetes API of DocVault: DocVault, one vault in a tenant's namespace, and DocVaultClass, where
// vaults live, written by the platform's owner. They relate as a volume claim and its StorageClass do.
//
// +kubebuilder:object:generate=true
// +groupName=docvault.io
// +kubebuilder:ac:generate=true
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of the types in this package.
var GroupVersion = schema.GroupVersion{Group: "docvault.io", Version: "v1alpha1"}

// SchemeGroupVersion is GroupVersion, under the name that generated apply configurations look for.
var SchemeGroupVersion = GroupVersion

// AddToScheme makes a scheme know the types in this package.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &DocVault{}, &DocVaultList{}, &DocVaultClass{}, &DocVaultClassList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
