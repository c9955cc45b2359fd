package v1alpha1

// Conditions of a DocVault. Those that are abnormal when true are Reconciling and Stalled (kstatus); the others are normal when
// true.
const (
	// ConditionReady is true while the API serves at the spec's version: also through a rolling update that keeps serving, and
	// through an outage of the admin connections that does not touch serving.
	ConditionReady = "Ready"
	// ConditionDatabaseReady is true when database, schema, roles and logins are as they should be.
	ConditionDatabaseReady = "DatabaseReady"
	// ConditionBucketReady is true when bucket, user, policy and key are as they should be.
	ConditionBucketReady = "BucketReady"
	// ConditionRedisReady is true when the vault's Redis answers its probe.
	ConditionRedisReady = "RedisReady"
	// ConditionMigrated is true when the schema is the one that the spec's image wants.
	ConditionMigrated = "Migrated"
	// ConditionWorkerAvailable is true when as many workers as wanted are ready, or none are wanted.
	ConditionWorkerAvailable = "WorkerAvailable"
	// ConditionAPIAvailable is true when at least one API replica serves.
	ConditionAPIAvailable = "APIAvailable"
	// ConditionRouteReady is true when the route of a vault that has one leads to it. Vaults without a route do not have it.
	ConditionRouteReady = "RouteReady"
	// ConditionReconciling is true while the operator works towards the spec.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is true when nothing will change until somebody edits something; the message says what.
	ConditionStalled = "Stalled"
)

// Conditions of a DocVaultClass; it has Ready too.
const (
	// ConditionAccepted is true when the class's spec and Secrets can be used.
	ConditionAccepted = "Accepted"
	// ConditionPostgresReachable is true when the admin credentials open the Postgres server.
	ConditionPostgresReachable = "PostgresReachable"
	// ConditionObjectStoreReachable is true when the admin credentials open the object store.
	ConditionObjectStoreReachable = "ObjectStoreReachable"
)

// Reasons of conditions that are as they should be.
const (
	// ReasonServing says that the API serves at the spec's version.
	ReasonServing = "Serving"
	// ReasonProvisioned says that a backend has what the vault needs.
	ReasonProvisioned = "Provisioned"
	// ReasonExternal says that a backend is the vault's owner's: nothing is made there.
	ReasonExternal = "External"
	// ReasonAvailable says that the wanted pods are ready.
	ReasonAvailable = "Available"
	// ReasonMigrationSucceeded says that the migration of the spec's image went through.
	ReasonMigrationSucceeded = "MigrationSucceeded"
	// ReasonRouted says that the object that leads a host to the vault is there and, of a Gateway, taken.
	ReasonRouted = "Routed"
	// ReasonSettled says that there is nothing left to do.
	ReasonSettled = "Settled"
	// ReasonAccepted says that a class can be used.
	ReasonAccepted = "Accepted"
	// ReasonReachable says that a server answers to its admin.
	ReasonReachable = "Reachable"
)

// Reasons of conditions while the operator waits: it goes on by itself.
const (
	// ReasonProgressing says that the operator is at work, or that pods are starting.
	ReasonProgressing = "Progressing"
	// ReasonNotStarted says that something before it in order is not there yet.
	ReasonNotStarted = "NotStarted"
	// ReasonSuspended says that the vault is suspended: pods are scaled to zero, data is kept.
	ReasonSuspended = "Suspended"
	// ReasonDeleting says that the vault is being deleted.
	ReasonDeleting = "Deleting"
	// ReasonPostgresUnreachable says that the class's Postgres server does not answer.
	ReasonPostgresUnreachable = "PostgresUnreachable"
	// ReasonObjectStoreUnreachable says that the class's object store does not answer.
	ReasonObjectStoreUnreachable = "ObjectStoreUnreachable"
	// ReasonRedisUnreachable says that the vault's own Redis does not answer to the operator, which has to change its users.
	ReasonRedisUnreachable = "RedisUnreachable"
	// ReasonUnobserved says that the vault's objects could not be read.
	ReasonUnobserved = "Unobserved"
	// ReasonMigrationRunning says that the migration Job runs.
	ReasonMigrationRunning = "MigrationRunning"
	// ReasonMigrationRetrying says that the migration Job failed and is tried again. Of Ready: the API serves at the version before.
	ReasonMigrationRetrying = "MigrationRetrying"
	// ReasonInUse says that a class cannot be deleted while vaults are bound to it.
	ReasonInUse = "InUse"
)

// Reasons of conditions when somebody has to do something.
const (
	// ReasonNoClass says that the vault names no class and there is no default.
	ReasonNoClass = "NoClass"
	// ReasonClassNotFound says that the class that the vault names, or is bound to, does not exist.
	ReasonClassNotFound = "ClassNotFound"
	// ReasonSeveralDefaultClasses says that the vault names no class and more than one is marked default.
	ReasonSeveralDefaultClasses = "SeveralDefaultClasses"
	// ReasonClassNotReady says that the class cannot be used as it is.
	ReasonClassNotReady = "ClassNotReady"
	// ReasonNamespaceNotAllowed says that the class does not serve the vault's namespace.
	ReasonNamespaceNotAllowed = "NamespaceNotAllowed"
	// ReasonImageNotAllowed says that the class does not allow the vault's image.
	ReasonImageNotAllowed = "ImageNotAllowed"
	// ReasonNotAllowed says that the class does not allow something else of the spec; the message names the field.
	ReasonNotAllowed = "NotAllowed"
	// ReasonLimitExceeded says that the spec asks for more than the class's limits.
	ReasonLimitExceeded = "LimitExceeded"
	// ReasonConnectionsExhausted says that the class's budget of Postgres connections has no room for the vault's pods.
	ReasonConnectionsExhausted = "ConnectionsExhausted"
	// ReasonSecretNotFound says that a Secret that the class or the vault names, or a key of it, does not exist.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonInvalidSecret says that a key of a Secret that the vault names holds what cannot work; the message names the key.
	ReasonInvalidSecret = "InvalidSecret"
	// ReasonLoginRefused says that a server refuses the credentials in a Secret that the class names.
	ReasonLoginRefused = "LoginRefused"
	// ReasonInvalidSpec says that the spec holds something that cannot work.
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonGatewayAPINotInstalled says that a route through a Gateway is wanted where the Gateway API is not installed.
	ReasonGatewayAPINotInstalled = "GatewayAPINotInstalled"
	// ReasonRouteRefused says that a Gateway, or the API server, does not take the vault's route.
	ReasonRouteRefused = "RouteRefused"
	// ReasonNotOwned says that something of the vault's name exists and bears another mark, or none. It is left as it is.
	ReasonNotOwned = "NotOwned"
	// ReasonOtherServer says that another server answers at the address where the vault's database was made.
	ReasonOtherServer = "OtherServer"
	// ReasonDatabaseLost says that the vault's database had been made and is gone from the server. It is not made again, empty.
	ReasonDatabaseLost = "DatabaseLost"
	// ReasonBucketLost says the same of the vault's bucket.
	ReasonBucketLost = "BucketLost"
	// ReasonAdoptionRefused says that an administrator claims retained data for the vault, and that it cannot have them as it is.
	ReasonAdoptionRefused = "AdoptionRefused"
	// ReasonLedgerLost says that the Secret that lists the vault's credentials is gone from the operator's namespace.
	ReasonLedgerLost = "LedgerLost"
	// ReasonInsecureServer says that the object store's version lets a restricted key make itself stronger.
	ReasonInsecureServer = "InsecureServer"
	// ReasonProvisioningFailed says that a backend refused what was asked of it.
	ReasonProvisioningFailed = "ProvisioningFailed"
	// ReasonApplyFailed says that the API server refused a child.
	ReasonApplyFailed = "ApplyFailed"
	// ReasonMigrationFailed says that the migration gave up; its Job's log says why.
	ReasonMigrationFailed = "MigrationFailed"
	// ReasonUnavailable says that wanted pods are not ready, or are gone.
	ReasonUnavailable = "Unavailable"
)

// Reasons of events that are no reasons of conditions.
const (
	// EventRepaired says that somebody had changed what the vault has on a backend, and that it was put right.
	EventRepaired = "Repaired"
	// EventAdopted says that a vault took over retained data, as an administrator claimed.
	EventAdopted = "Adopted"
	// EventAbandoned says what a deleted vault left behind on a backend that its owner gave up on.
	EventAbandoned = "Abandoned"
	// EventRotationStarted says that new credentials are being made.
	EventRotationStarted = "RotationStarted"
	// EventRotated says that new credentials serve, and pods are rolled.
	EventRotated = "Rotated"
	// EventRotationGrace says that no pod holds the old credentials any more, and until when they work.
	EventRotationGrace = "RotationGrace"
	// EventRotationEnded says that old credentials do not work any more.
	EventRotationEnded = "RotationEnded"
)
