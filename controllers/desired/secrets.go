package desired

import (
	"crypto/sha256"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	coreac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/runtime/config"
)

// AccessTokenKey is the key of the access Secret.
const AccessTokenKey = "token"

// RuntimeSecret returns the part of the environment of API and workers that nobody else may know.
func RuntimeSecret(in Input) *coreac.SecretApplyConfiguration {
	return secret(in, runtimeName(in), v1alpha1.ComponentAPI, runtimeSecretData(in))
}

// RuntimeSecretHash is what the pods that hold it bear as an annotation. It needs no class.
func RuntimeSecretHash(in Input) string { return hashOf(runtimeSecretData(in)) }

func runtimeSecretData(in Input) map[string]string {
	data := map[string]string{
		config.DatabaseURL:    appURL(in.Ledger.Postgres),
		config.RedisURL:       redisURL(in),
		config.MinioAccessKey: in.Ledger.ObjectStore.AccessKey,
		config.MinioSecretKey: in.Ledger.ObjectStore.SecretKey,
		config.SecretKey:      in.Ledger.SecretKey,
		config.APIToken:       in.Ledger.Token,
	}
	if key := in.Ledger.ProviderKey; key != "" {
		data[config.ClassificationAPIKey] = key
	}
	if previous := in.Ledger.SecretKeysPrevious; len(previous) > 0 {
		data[config.SecretKeysPrevious] = strings.Join(previous, ",")
	}
	return data
}

// MigrateSecret returns the environment of the migration Job. Only that Job's pods hold it.
func MigrateSecret(in Input) *coreac.SecretApplyConfiguration {
	db := in.Ledger.Postgres
	data := map[string]string{config.DatabaseMigrateURL: databaseURL(db, db.MigrateLogin, db.MigratePassword, url.Values{})}
	if in.Ledger.ExternalPostgres {
		data[config.DatabaseAppLogin] = db.AppLogin
	}
	return secret(in, migrateName(in), v1alpha1.ComponentMigrate, data)
}

// AccessSecret returns the token that the vault's users need.
func AccessSecret(in Input) *coreac.SecretApplyConfiguration {
	return secret(in, accessName(in), v1alpha1.ComponentAPI, map[string]string{AccessTokenKey: in.Ledger.Token})
}

// RedisSecret returns the access control list of the vault's Redis. It holds hashes of passwords, and Redis reads it when it
// starts: a changed user does not restart the server, the operator tells the one that runs.
func RedisSecret(in Input) *coreac.SecretApplyConfiguration {
	return secret(in, redisName(in), v1alpha1.ComponentRedis, map[string]string{redisACLKey: redisACL(in)})
}

func secret(in Input, name, component string, data map[string]string) *coreac.SecretApplyConfiguration {
	encoded := make(map[string][]byte, len(data))
	for key, value := range data {
		encoded[key] = []byte(value)
	}
	return coreac.Secret(name, in.Vault.Namespace).
		WithLabels(labels(in, component)).
		WithOwnerReferences(owner(in)).
		WithData(encoded)
}

func appURL(db Postgres) string {
	query := url.Values{}
	if db.PoolSize > 0 {
		query.Set("pool_max_conns", strconv.Itoa(db.PoolSize))
	}
	return databaseURL(db, db.AppLogin, db.AppPassword, query)
}

func databaseURL(db Postgres, login, password string, query url.Values) string {
	query.Set("sslmode", string(db.SSLMode))
	if len(db.CA) > 0 && (db.SSLMode == v1alpha1.SSLVerifyCA || db.SSLMode == v1alpha1.SSLVerifyFull) {
		query.Set("sslrootcert", postgresCAFile)
	}
	u := url.URL{
		Scheme:   "postgresql",
		User:     url.UserPassword(login, password),
		Host:     address(db.Host, db.Port),
		Path:     db.Database,
		RawQuery: query.Encode(),
	}
	return u.String()
}

func redisURL(in Input) string {
	if external := in.Ledger.ExternalRedis; external != nil {
		return externalRedisURL(*external)
	}
	user := in.Ledger.Redis[0]
	u := url.URL{
		Scheme: "redis",
		User:   url.UserPassword(user.Name, user.Password),
		Host:   RedisAddress(in),
		Path:   "0",
	}
	return u.String()
}

func externalRedisURL(r ExternalRedis) string {
	u := url.URL{Scheme: "redis", Host: address(r.Host, r.Port), Path: "0"}
	if r.TLS {
		u.Scheme = "rediss"
	}
	if r.Username != "" || r.Password != "" {
		u.User = url.UserPassword(r.Username, r.Password)
	}
	return u.String()
}

// RedisAddress is where the vault's Redis is reached, host:port.
func RedisAddress(in Input) string {
	return fmt.Sprintf("%s.%s.svc:%d", redisName(in), in.Vault.Namespace, redisPort)
}

// RedisAdminUser is the one as whom the operator changes the users of a vault's Redis.
const RedisAdminUser = "operator"

// RedisRules are the rights of each user of a vault's Redis, as ACL SETUSER and ACL files have them: one without a password may ask
// whether the server lives, and no more; the operator may change users; and the vault's may do all but administer the server. INFO is
// what asynq reads the server's version and memory from.
func RedisRules(in Input) []RedisRule {
	rules := []RedisRule{
		{redisProbeUser, []string{"on", "nopass", "-@all", "+ping"}},
		{RedisAdminUser, []string{"on", hashed(in.Ledger.RedisAdminPassword), "-@all", "+acl|list", "+acl|setuser", "+acl|deluser"}},
	}
	for _, user := range in.Ledger.Redis {
		rules = append(rules, RedisRule{user.Name, []string{
			"on", hashed(user.Password), "~*", "&*", "+@all", "-@admin", "-@dangerous", "+info",
		}})
	}
	return rules
}

// RedisRule says what one user of Redis may do.
type RedisRule struct {
	User  string
	Rules []string
}

func hashed(password string) string { return fmt.Sprintf("#%x", sha256.Sum256([]byte(password))) }

// redisACL returns the users of a vault's Redis in the format of an ACL file. Nobody without a name gets in.
func redisACL(in Input) string {
	lines := []string{"user default off"}
	for _, rule := range RedisRules(in) {
		lines = append(lines, "user "+rule.User+" "+strings.Join(rule.Rules, " "))
	}
	return strings.Join(lines, "\n") + "\n"
}
