package controllers

import (
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// CacheOptions has the caches hold, of all kinds but our own, only what the operator made; and all of it in the namespaces that the
// installation watches. The ledgers are in its own. The label is the default, not one line for each kind: those that others bring
// cannot be named before they are installed.
func CacheOptions(installation Installation) cache.Options {
	all, secrets := cache.ByObject{Label: labels.Everything()}, cache.ByObject{}
	watched := namespaces(installation.Watched)
	if watched != nil {
		secrets.Namespaces = namespaces(append([]string{installation.Namespace}, installation.Watched...))
	}
	return cache.Options{
		DefaultNamespaces:    watched,
		DefaultLabelSelector: labels.SelectorFromSet(labels.Set{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}),
		DefaultTransform:     (&managedFields{}).slim,
		ByObject: map[client.Object]cache.ByObject{
			&v1alpha1.DocVault{}:      all,
			&v1alpha1.DocVaultClass{}: all,
			&corev1.Secret{}:          secrets,
		},
	}
}

// namespaces returns nil, which is all of them, for none.
func namespaces(names []string) map[string]cache.Config {
	if len(names) == 0 {
		return nil
	}
	configs := map[string]cache.Config{}
	for _, name := range names {
		configs[name] = cache.Config{}
	}
	return configs
}

// managedFields are what the operator owns of cached objects. Those of a kind own the same fields in every vault: each set is kept once.
type managedFields struct {
	mu   sync.Mutex
	seen map[string]*metav1.FieldsV1
}

// maxFieldSets bounds the sets that are known: beyond, all are forgotten, and objects to come share anew.
const maxFieldSets = 1000

// slim drops from an object the fields that others own, which nothing here asks for.
func (m *managedFields) slim(object any) (any, error) {
	cached, err := meta.Accessor(object)
	if err != nil {
		return object, nil //nolint:nilerr // what says that an object is gone is none, and has nothing to drop
	}
	owned := slices.DeleteFunc(cached.GetManagedFields(), func(entry metav1.ManagedFieldsEntry) bool { return entry.Manager != FieldOwner })
	for i := range owned {
		owned[i].FieldsV1 = m.shared(owned[i].FieldsV1)
	}
	cached.SetManagedFields(slices.Clip(owned))
	return object, nil
}

func (m *managedFields) shared(fields *metav1.FieldsV1) *metav1.FieldsV1 {
	m.mu.Lock()
	defer m.mu.Unlock()
	set := fields.GetRawString()
	if known, found := m.seen[set]; found {
		return known
	}
	if m.seen == nil || len(m.seen) >= maxFieldSets {
		m.seen = map[string]*metav1.FieldsV1{}
	}
	m.seen[set] = fields
	return fields
}
