package controllers

// What the operator may do, in the whole cluster. `make generate` writes the roles from it. It may write Secrets wherever a
// vault is, as their credentials are projected there; RBAC knows no labels, so reading only our own is up to CacheOptions.
//
// +kubebuilder:rbac:groups=docvault.io,resources=docvaults;docvaultclasses,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=docvault.io,resources=docvaults/status;docvaultclasses/status,verbs=patch
// +kubebuilder:rbac:groups=docvault.io,resources=docvaults/finalizers,verbs=update
// +kubebuilder:rbac:groups="",resources=secrets;configmaps;services,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=apps,resources=deployments;statefulsets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=batch,resources=jobs,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get
// +kubebuilder:rbac:groups="",resources=pods,verbs=list
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=get;list;patch;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// And in its own namespace: to update ledgers, and to be the one that works.
//
// +kubebuilder:rbac:groups="",namespace=docvault-system,resources=secrets,verbs=update
// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=docvault-system,resources=leases,verbs=get;create;update
// +kubebuilder:rbac:groups="",namespace=docvault-system,resources=events,verbs=create;patch
