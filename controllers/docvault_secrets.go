package controllers

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/docvault/docvault/api/v1alpha1"
)

// secretNames is the index of vaults by the Secrets of their namespace that they name.
const secretNames = "secretNames"

// secretsOf returns the Secrets that a vault's owner brings.
func secretsOf(vault *v1alpha1.DocVault) []string {
	var names []string
	for _, backend := range []*v1alpha1.ExternalBackend{
		vault.Spec.Redis.External, vault.Spec.Postgres.External, vault.Spec.ObjectStore.External,
	} {
		if backend != nil {
			names = append(names, backend.SecretRef.Name)
		}
	}
	if key := vault.Spec.Classification.APIKeySecretRef; key != nil && key.Name != "" {
		names = append(names, key.Name)
	}
	return names
}

// secretWatch wakes vaults when a Secret that they name changes. It begins with the first vault that names one: where nobody brings
// anything it costs nothing, elsewhere a name and a version for each Secret that is not the operator's own.
type secretWatch struct {
	begin func() error

	mu    sync.Mutex
	began bool
}

func (w *secretWatch) follow() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.began {
		return nil
	}
	if err := w.begin(); err != nil {
		return fmt.Errorf("watch Secrets: %w", err)
	}
	w.began = true
	return nil
}

// newSecretWatch makes what secretWatch needs, in the namespaces given, or all. Secrets have a cache of their own, since the manager's
// holds only what the operator made.
func (r *DocVaultReconciler) newSecretWatch(
	ctx context.Context, mgr ctrl.Manager, vaults controller.Controller, watched []string,
) (*secretWatch, error) {
	index := func(object client.Object) []string { return secretsOf(object.(*v1alpha1.DocVault)) }
	if err := mgr.GetFieldIndexer().IndexField(ctx, &v1alpha1.DocVault{}, secretNames, index); err != nil {
		return nil, fmt.Errorf("index vaults by Secret: %w", err)
	}
	foreign, err := foreignSecrets(mgr, watched)
	if err != nil {
		return nil, err
	}
	if err := mgr.Add(foreign); err != nil {
		return nil, fmt.Errorf("add the cache of Secrets: %w", err)
	}
	secret := &metav1.PartialObjectMetadata{}
	secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	return &secretWatch{begin: func() error {
		return vaults.Watch(source.Kind(foreign, client.Object(secret), handler.EnqueueRequestsFromMapFunc(r.vaultsOfSecret)))
	}}, nil
}

// foreignSecrets returns a cache of what the operator did not make. Helm's releases and tokens of service accounts, in many clusters
// the most of all Secrets, are no credentials of a backend.
func foreignSecrets(mgr ctrl.Manager, watched []string) (cache.Cache, error) {
	notOurs, err := labels.NewRequirement(v1alpha1.LabelManagedBy, selection.NotEquals, []string{v1alpha1.ManagedBy})
	if err != nil {
		return nil, fmt.Errorf("select Secrets: %w", err)
	}
	return cache.New(mgr.GetConfig(), cache.Options{
		HTTPClient: mgr.GetHTTPClient(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(),
		DefaultNamespaces: namespaces(watched),
		ByObject: map[client.Object]cache.ByObject{&corev1.Secret{}: {
			Label: labels.NewSelector().Add(*notOurs),
			Field: fields.AndSelectors(
				fields.OneTermNotEqualSelector("type", "helm.sh/release.v1"),
				fields.OneTermNotEqualSelector("type", string(corev1.SecretTypeServiceAccountToken))),
			Transform: nameOnly,
		}},
	})
}

// nameOnly leaves of an object's metadata what tells it and its versions apart.
func nameOnly(object any) (any, error) {
	if full, ok := object.(*metav1.PartialObjectMetadata); ok {
		full.ObjectMeta = metav1.ObjectMeta{
			Namespace: full.Namespace, Name: full.Name, UID: full.UID, ResourceVersion: full.ResourceVersion,
		}
	}
	return object, nil
}

// vaultsOfSecret wakes the vaults that name a Secret.
func (r *DocVaultReconciler) vaultsOfSecret(ctx context.Context, secret client.Object) []reconcile.Request {
	vaults := &v1alpha1.DocVaultList{}
	err := r.List(ctx, vaults, client.InNamespace(secret.GetNamespace()), client.MatchingFields{secretNames: secret.GetName()})
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "list vaults of a changed Secret")
		return nil
	}
	var requests []reconcile.Request
	for i := range vaults.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&vaults.Items[i])})
	}
	return requests
}
