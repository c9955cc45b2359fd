package controllers

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// The states of a ledger: a vault uses what it lists, its vault was deleted and the data kept, or its vault was deleted and some of
// the data could not be.
const (
	stateBound     = "bound"
	stateReleased  = "released"
	stateAbandoned = "abandoned"
)

// made is recorded of what was made.
const made = "made"

// ledger is all that an installation knows of one vault and cannot find out again. It is written before anything outside
// exists; backends and projections are made to agree with it.
type ledger struct {
	Identity       string
	State          string
	VaultNamespace string
	VaultName      string
	// Holder is the identity of the vault that adopted the ledger; empty: the one that it was made for.
	Holder string

	// Class is what the vault is bound to. The rest of this block is copied from the class, so that deleting a vault needs
	// nothing but the ledger and the backends.
	Class                  string
	PostgresHost           string
	PostgresPort           string
	PostgresSSLMode        string
	PostgresAdminSecret    string
	PostgresCASecret       string
	ObjectStoreEndpoint    string // URL
	ObjectStorePublic      string // URL
	ObjectStoreRegion      string
	ObjectStoreAdminSecret string
	ObjectStoreCASecret    string

	// PostgresExternal, ObjectStoreExternal and RedisExternal are `external` of what the vault's owner brings. Its credentials stay in the
	// owner's Secrets.
	PostgresExternal    string
	ObjectStoreExternal string
	RedisExternal       string

	// Pods (API/workers at most), PoolSize of each and ConnectionLimit of each login are the vault's part of the class's connections.
	// PoolOfBudget is `true` while the size follows from a budget.
	Pods            string
	PoolSize        string
	PoolOfBudget    string
	ConnectionLimit string

	// SystemIdentifier is the Postgres server's own; a server with another is not the one that holds this vault.
	SystemIdentifier string

	Database  string
	OwnerRole string
	AppRole   string

	Bucket     string
	StoreUser  string
	UserSecret string

	credentials // those that serve
	rotation

	// DatabaseMade and BucketMade are `made` once these were. From then on absence is a loss, no cause to make them.
	DatabaseMade string
	BucketMade   string

	// Abandoned names the parts that were left behind, separated by commas.
	Abandoned string

	// MigratedJob names the last migration Job that succeeded; the Job itself goes after its TTL.
	MigratedJob string
	// MigratedImage is the image that it ran, SchemaVersion the version that it came to.
	MigratedImage string
	SchemaVersion string

	// RedisVolume is the size that the volume claim of Redis was last seen to ask for, where the spec names one.
	RedisVolume string

	secret *corev1.Secret // as read; nil until it is stored
}

// fields maps the keys of the Secret to the fields that they hold.
func (l *ledger) fields() map[string]*string {
	fields := map[string]*string{
		"identity":               &l.Identity,
		"state":                  &l.State,
		"vaultNamespace":         &l.VaultNamespace,
		"vaultName":              &l.VaultName,
		"holder":                 &l.Holder,
		"class":                  &l.Class,
		"postgresHost":           &l.PostgresHost,
		"postgresPort":           &l.PostgresPort,
		"postgresSSLMode":        &l.PostgresSSLMode,
		"postgresAdminSecret":    &l.PostgresAdminSecret,
		"postgresCASecret":       &l.PostgresCASecret,
		"pods":                   &l.Pods,
		"poolSize":               &l.PoolSize,
		"connectionLimit":        &l.ConnectionLimit,
		"postgresExternal":       &l.PostgresExternal,
		"objectStoreExternal":    &l.ObjectStoreExternal,
		"redisExternal":          &l.RedisExternal,
		"postgresSystem":         &l.SystemIdentifier,
		"objectStoreEndpoint":    &l.ObjectStoreEndpoint,
		"objectStorePublic":      &l.ObjectStorePublic,
		"objectStoreRegion":      &l.ObjectStoreRegion,
		"objectStoreAdminSecret": &l.ObjectStoreAdminSecret,
		"objectStoreCASecret":    &l.ObjectStoreCASecret,
		"database":               &l.Database,
		"ownerRole":              &l.OwnerRole,
		"appRole":                &l.AppRole,
		"bucket":                 &l.Bucket,
		"objectStoreUser":        &l.StoreUser,
		"objectStoreUserSecret":  &l.UserSecret,
		"databaseMade":           &l.DatabaseMade,
		"bucketMade":             &l.BucketMade,
		"abandoned":              &l.Abandoned,
		"migratedJob":            &l.MigratedJob,
		"migratedImage":          &l.MigratedImage,
		"schemaVersion":          &l.SchemaVersion,
		"redisVolume":            &l.RedisVolume,
		"poolOfBudget":           &l.PoolOfBudget,
	}
	maps.Copy(fields, l.credentials.fields())
	maps.Copy(fields, l.rotation.fields())
	return fields
}

// newLedger names and generates everything that a vault will have outside of its namespace. Nothing is stored yet.
func newLedger(id string, vault types.NamespacedName) *ledger {
	database := "dv_" + id
	return &ledger{
		Identity:       id,
		State:          stateBound,
		VaultNamespace: vault.Namespace,
		VaultName:      vault.Name,
		Database:       database,
		OwnerRole:      database + "_owner",
		AppRole:        database + "_app",
		Bucket:         "dv-" + id,
		StoreUser:      "dv-" + id,
		UserSecret:     rand.Text(),
		credentials:    firstCredentials(database),
		rotation:       rotation{RedisAdmin: rand.Text()},
	}
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}

func ledgerName(identity string) string { return "dv-" + identity }

// readLedger returns the ledger of an identity, nil when there is none. What the cache does not know, or knows in another version than
// was read or written last, is asked of the API server: credentials are never made anew because a cache was late, nor are those that a
// rotation has ended. Of a vault that is not held yet only the API server is asked: the cache may still know the ledger of one of its
// name that is gone.
func (r *DocVaultReconciler) readLedger(ctx context.Context, identity string, held bool) (*ledger, error) {
	secret := &corev1.Secret{}
	key := client.ObjectKey{Namespace: r.Namespace, Name: ledgerName(identity)}
	if held {
		if err := r.Get(ctx, key, secret); client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("read ledger: %w", err)
		}
	}
	if !r.ledgers.isLast(secret) {
		secret = &corev1.Secret{}
		err := r.live.Get(ctx, key, secret)
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read ledger: %w", err)
		}
		r.ledgers.saw(secret)
	}
	return decodeLedger(secret)
}

// fieldsOf returns what a Secret says, right or wrong.
func fieldsOf(secret *corev1.Secret) *ledger {
	l := &ledger{secret: secret}
	for key, field := range l.fields() {
		*field = string(secret.Data[key])
	}
	return l
}

// damagedLedgerError says that somebody changed a ledger so that nothing can be made to agree with it.
type damagedLedgerError struct{ secret, what string }

func (e *damagedLedgerError) Error() string {
	return fmt.Sprintf("the Secret %s in the operator's namespace, which has the vault's credentials, %s: restore it from a backup",
		e.secret, e.what)
}

// decodeLedger returns what a Secret says.
// Errors: *damagedLedgerError.
func decodeLedger(secret *corev1.Secret) (*ledger, error) {
	l := fieldsOf(secret)
	if ledgerName(l.Identity) != secret.Name {
		return nil, &damagedLedgerError{secret.Name, fmt.Sprintf("holds the identity %q", l.Identity)}
	}
	fields := l.fields()
	for _, key := range l.required() {
		if *fields[key] == "" {
			return nil, &damagedLedgerError{secret.Name, "has no key " + key}
		}
	}
	return l, nil
}

// required are keys that no ledger was ever without.
func (l *ledger) required() []string {
	keys := []string{"state", "vaultNamespace", "vaultName", "secretKey", "token"}
	if !l.externalPostgres() {
		keys = append(keys, "database", "ownerRole", "appRole", "migrateLogin", "migratePassword", "appLogin", "appPassword")
	}
	if !l.externalObjectStore() {
		keys = append(keys, "bucket", "objectStoreUser", "objectStoreUserSecret", "accessKey", "secretAccessKey")
	}
	return keys
}

func (l *ledger) data() map[string][]byte {
	data := map[string][]byte{}
	for key, field := range l.fields() {
		if *field != "" {
			data[key] = []byte(*field)
		}
	}
	return data
}

// createLedger stores a new ledger, or fails when there is one already: credentials are never overwritten.
func (r *DocVaultReconciler) createLedger(ctx context.Context, l *ledger) error {
	l.secret = &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: ledgerName(l.Identity), Namespace: r.Namespace, Labels: ledgerLabels()},
		Data:       l.data(),
	}
	if err := r.ledgers.wrote(l.secret, r.Create(ctx, l.secret)); err != nil {
		return fmt.Errorf("create ledger: %w", err)
	}
	return nil
}

// updateLedger stores what changed, and the labels where somebody removed them, under the resource version that was read. Nothing
// changed: no request.
func (r *DocVaultReconciler) updateLedger(ctx context.Context, l *ledger) error {
	stored := l.secret.DeepCopy()
	stored.Data = l.data()
	if stored.Labels == nil {
		stored.Labels = map[string]string{}
	}
	maps.Copy(stored.Labels, l.labels())
	if equalData(l.secret.Data, stored.Data) && maps.Equal(l.secret.Labels, stored.Labels) {
		return nil
	}
	if err := r.ledgers.wrote(stored, r.Update(ctx, stored)); err != nil {
		return fmt.Errorf("update ledger: %w", err)
	}
	l.secret = stored
	return nil
}

func equalData(a, b map[string][]byte) bool { return maps.EqualFunc(a, b, bytes.Equal) }

func (l *ledger) labels() map[string]string {
	labels := ledgerLabels()
	if l.Holder != "" {
		labels[v1alpha1.LabelHolder] = l.Holder
	}
	return labels
}

// ledgerLabels make the ledger part of what the cache holds.
func ledgerLabels() map[string]string {
	return map[string]string{
		v1alpha1.LabelName:      v1alpha1.AppName,
		v1alpha1.LabelManagedBy: v1alpha1.ManagedBy,
		v1alpha1.LabelComponent: "ledger",
	}
}
