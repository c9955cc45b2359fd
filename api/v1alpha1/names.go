package v1alpha1

// Labels of everything that the operator makes, and the values that are the same for all of it. The instance is the vault's
// name, the component one of the components below.
const (
	LabelName      = "app.kubernetes.io/name"
	LabelInstance  = "app.kubernetes.io/instance"
	LabelComponent = "app.kubernetes.io/component"
	LabelManagedBy = "app.kubernetes.io/managed-by"

	AppName   = "docvault"
	ManagedBy = "docvault-operator"
)

// Components of a vault: values of LabelComponent.
const (
	ComponentAPI     = "api"
	ComponentWorker  = "worker"
	ComponentRedis   = "redis"
	ComponentMigrate = "migrate"
)

// AnnotationDefaultClass with the value "true" makes a class the one of vaults that name none.
const AnnotationDefaultClass = "docvault.io/is-default-class"

// Annotations on a DocVault by which its owner asks for something once: any new value acts.
const (
	// AnnotationRotate asks for new credentials; the old ones still work for the grace period.
	AnnotationRotate = "docvault.io/rotate"
	// AnnotationRotateNow asks for new credentials after a leak: the old ones, and their sessions, are ended at once.
	AnnotationRotateNow = "docvault.io/rotate-now"
	// AnnotationAbandon, on a vault that is deleted, gives up on backends that will not come back: `database`, `bucket`, or both,
	// separated by a comma.
	AnnotationAbandon = "docvault.io/abandon"
)

// AnnotationAdopt on the operator's namespace, `<namespace>/<name>=<identity>` separated by commas, claims retained vaults for
// namespaces that were recreated or clusters that were restored.
const AnnotationAdopt = "docvault.io/adopt"

// LabelHolder on a ledger that was adopted is the identity of the vault that it was adopted for: by it that vault finds it. Only who
// writes Secrets in the operator's namespace can set it, which no tenant can.
const LabelHolder = "docvault.io/holder"

// AnnotationRuntimeSecret on a pod is the hash of the runtime Secret. Pods read that only when they start, so another one
// replaces them.
const AnnotationRuntimeSecret = "docvault.io/runtime-secret" //nolint:gosec // a name, no credential

// AnnotationDatabase on a migration's pod is the hash of where an external database is and who uses it: another
// one is migrated anew.
const AnnotationDatabase = "docvault.io/database"

// AnnotationRestarted on a Redis pod changes when the operator restarts it, so that it reads its users anew.
const AnnotationRestarted = "docvault.io/restarted"

// Finalizer holds a vault until its children and, as its deletion policy says, its data are gone; and a class until no vault
// is bound to it.
const Finalizer = "docvault.io/finalizer"

// DefaultControllerName is the installation that reconciles a class which names none.
const DefaultControllerName = "docvault.io/operator"
