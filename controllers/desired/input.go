// Package desired says which objects a vault consists of, and nothing else: they follow from the vault, its class, the ledger
// and what was observed. It reads no cluster, no clock and no environment.
package desired

import (
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/docvault/docvault/api/v1alpha1"
)

// Input is all that a vault's objects follow from.
type Input struct {
	Vault    *v1alpha1.DocVault
	Class    *v1alpha1.DocVaultClass
	Ledger   Ledger
	Observed Observed
	Operator Operator
}

// Operator is what the builders need to know of the operator itself.
type Operator struct {
	Namespace string
}

// Ledger is what the builders need of the ledger: where the vault lives, and its credentials. Those of what the vault's owner brings
// are not in the ledger, and stand here as the owner's Secrets have them.
type Ledger struct {
	Identity    string // marks an external Redis or database as this vault's alone
	Postgres    Postgres
	ObjectStore ObjectStore
	Redis       []RedisUser // who may use the vault's Redis; the runtime logs in as the first
	// RedisAdminPassword is of the operator's own user of Redis, who may change users.
	RedisAdminPassword string
	// RedisRestarted says for which list of users Redis was restarted: once for each value. Empty: never.
	RedisRestarted string

	ExternalPostgres bool           // whether Postgres is the owner's
	ExternalRedis    *ExternalRedis // instead of the vault's own Redis
	ProviderKey      string         // of the classification provider

	SecretKey          string   // of the runtime, hex
	SecretKeysPrevious []string // still decrypt
	Token              string   // of the API
}

// Postgres is where the vault's database is, and its two logins.
type Postgres struct {
	Host            string
	Port            string
	SSLMode         v1alpha1.SSLMode
	CA              []byte // PEM; empty: the image's own authorities
	Database        string
	AppLogin        string
	AppPassword     string
	MigrateLogin    string
	MigratePassword string
	PoolSize        int // connections of each process; 0: the runtime's own default
}

// ObjectStore is where the vault's bucket is, and its key.
type ObjectStore struct {
	Endpoint       string // URL without a path
	PublicEndpoint string // likewise; empty: the endpoint
	Region         string
	CA             []byte // PEM; empty: the image's own authorities
	Bucket         string
	AccessKey      string
	SecretKey      string
}

// RedisUser is one who may use the vault's Redis.
type RedisUser struct {
	Name     string
	Password string
}

// Observed is what the builders need to know of the objects that are there.
type Observed struct {
	// RedisStorage is the volume claim template of the Redis StatefulSet that is there, nil when there is none. It cannot be
	// changed in place, so it stays as it is whatever the spec says.
	RedisStorage *RedisStorage
	// RedisPodManagement is that set's, likewise; empty when there is none.
	RedisPodManagement appsv1.PodManagementPolicyType
	// KEDA is true where KEDA is installed (kind ScaledObject of keda.sh/v1alpha1), GatewayAPI where the Gateway API is (kind
	// HTTPRoute of gateway.networking.k8s.io/v1).
	KEDA       bool
	GatewayAPI bool
}

// RedisStorage is the volume of the vault's Redis.
type RedisStorage struct {
	Size             resource.Quantity
	StorageClassName *string // nil: the cluster's default
}
