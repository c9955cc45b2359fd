package controllers

// What the operator may do. `make generate` writes the roles from it, and the chart's copies of their rules. RBAC knows no labels, so
// reading only our own is up to CacheOptions.

// Wherever vaults are: in the whole cluster, or in the namespaces of --watch-namespaces. It may write Secrets there, as the
// credentials of vaults are projected into them. Autoscalers, budgets, policies and routes are children like the rest; those of KEDA and
// the Gateway API are asked for only where they are installed.
//
// +kubebuilder:rbac:groups=docvault.io,resources=docvaults,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=docvault.io,resources=docvaults/status,verbs=patch
// +kubebuilder:rbac:groups=docvault.io,resources=docvaults/finalizers,verbs=update
// +kubebuilder:rbac:groups="",resources=secrets;configmaps;services,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=apps,resources=deployments;statefulsets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=batch,resources=jobs,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=autoscaling,resources=horizontalpodautoscalers,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies;ingresses,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=keda.sh,resources=scaledobjects,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=httproutes,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get
// +kubebuilder:rbac:groups="",resources=pods,verbs=list
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=get;list;patch;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Of the cluster, whatever it watches: classes are cluster-scoped. To say how they are and to hold those in use is apart:
// --read-only-classes does without.
//
// +kubebuilder:rbac:roleName=docvault-operator-classes,groups=docvault.io,resources=docvaultclasses,verbs=get;list;watch
// +kubebuilder:rbac:roleName=docvault-operator-class-status,groups=docvault.io,resources=docvaultclasses,verbs=patch
// +kubebuilder:rbac:roleName=docvault-operator-class-status,groups=docvault.io,resources=docvaultclasses/status,verbs=patch

// To find out who reads its metrics, and whether they may. --metrics-secure=false does without.
//
// +kubebuilder:rbac:roleName=docvault-operator-metrics,groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:roleName=docvault-operator-metrics,groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create

// And in its own namespace: to keep the ledgers and read the admin Secrets of classes, and to be the one that works.
//
// +kubebuilder:rbac:groups="",namespace=docvault-system,resources=secrets,verbs=get;list;watch;create;update;delete
// +kubebuilder:rbac:groups="",namespace=docvault-system,resources=namespaces,verbs=get
// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=docvault-system,resources=leases,verbs=get;create;update
// +kubebuilder:rbac:groups="",namespace=docvault-system,resources=events,verbs=create;patch
