package controllers

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/controllers/desired"
	"github.com/docvault/docvault/runtime/provision"
)

// bind writes the ledger before anything outside is made, or brings the one that is there up to date with its class.
func (p *pass) bind(ctx context.Context) (time.Duration, error) {
	if err := p.findLedger(ctx); err != nil {
		p.setBackend(v1alpha1.ConditionDatabaseReady, err, "")
		return 0, err
	}
	if err := p.ledger.follow(p.class); err != nil {
		p.setBackend(v1alpha1.ConditionDatabaseReady, err, "")
		return 0, err
	}
	if err := p.ledger.followBrought(p.vault.Spec); err != nil {
		return 0, err
	}
	if err := p.shareConnections(ctx, p.ledger, p.capacityAfterBudget(ctx)); err != nil {
		return 0, err
	}
	p.ledger.State = stateBound
	if p.ledger.RedisAdmin == "" { // of a vault from before there was one
		p.ledger.RedisAdmin = rand.Text()
	}
	if err := p.updateLedger(ctx, p.ledger); err != nil {
		return 0, err
	}
	p.tellAdopted()
	p.vault.Status.ClassName = p.ledger.Class
	p.vault.Status.Database = v1alpha1.DatabaseStatus{Name: cmp.Or(p.ledger.Database, external), AppRole: p.ledger.AppRole}
	p.vault.Status.Bucket = v1alpha1.BucketStatus{Name: cmp.Or(p.ledger.Bucket, external)}
	p.tellRotation()
	return 0, nil
}

// findLedger makes sure that there is a ledger: the one that the vault has had, or the first one.
// Errors: *refusal, *unreachableError.
func (p *pass) findLedger(ctx context.Context) error {
	if err := p.ledgerLost(); err != nil {
		return err
	}
	switch {
	case p.adopting:
		return p.resettle(ctx)
	case p.ledger != nil:
		return nil
	case p.movedTo != "":
		return refuse(v1alpha1.ReasonNotOwned, "an administrator gave the data of this vault to %s: name this one otherwise", p.movedTo)
	}
	return p.openLedger(ctx)
}

// ledgerLost refuses a vault that has a database and no ledger: with another one it would come up empty, or locked out.
func (p *pass) ledgerLost() error {
	database := p.vault.Status.Database.Name
	switch {
	case p.ledger != nil:
		return nil
	case p.damaged != nil:
		return refuse(v1alpha1.ReasonLedgerLost, "%v", p.damaged)
	case database == "" || p.movedTo != "":
		return nil
	}
	id, named := strings.CutPrefix(database, "dv_")
	if !named {
		id = p.identity
	}
	return refuse(v1alpha1.ReasonLedgerLost, "the credentials of database %s are gone: restore the Secret %s in the operator's namespace. "+
		"If it is there, and this namespace or the operator's was made anew, annotate the operator's with %s=%s/%s=%s",
		database, ledgerName(id), v1alpha1.AnnotationAdopt, p.vault.Namespace, p.vault.Name, id)
}

// openLedger stores the ledger of a vault that has none. It asks Postgres who it is first: a vault without a ledger has nothing
// outside, so until then there is nothing to remember.
func (p *pass) openLedger(ctx context.Context) error {
	adopted, err := p.adoptedLedger(ctx, p.live, p.identity)
	if adopted != nil || err != nil { // one that the cache does not know yet
		p.ledger = adopted
		return err
	}
	l := newLedger(p.identity, client.ObjectKeyFromObject(p.vault))
	l.bring(p.vault.Spec)
	if err := p.settleOn(ctx, l); err != nil {
		return err
	}
	// Before anything is made: an installation that finds a vault without a class takes it for nobody's.
	if err := p.tell(ctx, func(s *v1alpha1.DocVaultStatus) { s.ClassName = l.Class }); err != nil {
		return err
	}
	if err := p.createLedger(ctx, l); err != nil {
		return err
	}
	if err := p.classStays(ctx, l); err != nil {
		return err
	}
	p.ledger = l
	return nil
}

// classStays takes a new ledger back whose class goes. Whoever lets a class go looks for ledgers after its deletion, and this looks for
// its deletion after the ledger was made: one of the two sees the other.
func (p *pass) classStays(ctx context.Context, l *ledger) error {
	class := &v1alpha1.DocVaultClass{}
	err := p.live.Get(ctx, client.ObjectKey{Name: l.Class}, class)
	switch {
	case err == nil && class.DeletionTimestamp.IsZero():
		return nil
	case err == nil, apierrors.IsNotFound(err):
		err = refuse(v1alpha1.ReasonClassNotReady, "class %s is being deleted: name another", l.Class)
	default:
		err = fmt.Errorf("read class: %w", err)
	}
	p.ledgers.forget(l.secret)
	return errors.Join(err, p.remove(ctx, l.secret))
}

// settleOn has a ledger live where the vault's class is, with its share of that server's connections.
func (p *pass) settleOn(ctx context.Context, l *ledger) error {
	l.settle(p.class)
	capacity, err := p.askServer(ctx, l)
	if err != nil {
		return err
	}
	return p.shareConnections(ctx, l, capacity)
}

// askServer asks the Postgres server who it is, and how many connections it takes. The owner's own is not asked: the operator never
// connects to it.
func (p *pass) askServer(ctx context.Context, l *ledger) (capacity int, err error) {
	if l.externalPostgres() {
		return 0, nil
	}
	err = p.withPostgresOf(ctx, l, func(ctx context.Context, server *provision.Postgres, systemIdentifier string) error {
		l.SystemIdentifier = systemIdentifier
		capacity, err = server.Capacity(ctx)
		return err
	})
	return capacity, err
}

// settle copies from the class all that the ledger needs of it.
func (l *ledger) settle(class *v1alpha1.DocVaultClass) {
	l.Class = class.Name
	l.PostgresHost = class.Spec.Postgres.Host
	l.PostgresPort = strconv.Itoa(int(class.Spec.Postgres.Port))
	l.ObjectStoreEndpoint = class.Spec.ObjectStore.Endpoint
	l.copyChangeable(class)
}

// follow copies from the class what may change there. Host, port and endpoint are immutable, so only a class that was made
// anew has others: the vault's data is not there.
// Errors: *refusal.
func (l *ledger) follow(class *v1alpha1.DocVaultClass) error {
	is := ledger{}
	is.settle(class)
	otherPostgres := is.PostgresHost != l.PostgresHost || is.PostgresPort != l.PostgresPort
	otherStore := is.ObjectStoreEndpoint != l.ObjectStoreEndpoint
	if otherPostgres && !l.externalPostgres() || otherStore && !l.externalObjectStore() {
		return refuse(v1alpha1.ReasonOtherServer,
			"class %s was made anew with other servers: the data is at Postgres %s:%s and object store %s; make the class with these",
			class.Name, l.PostgresHost, l.PostgresPort, l.ObjectStoreEndpoint)
	}
	l.copyChangeable(class)
	return nil
}

func (l *ledger) copyChangeable(class *v1alpha1.DocVaultClass) {
	l.PostgresSSLMode = string(class.Spec.Postgres.SSLMode)
	l.PostgresAdminSecret = class.Spec.Postgres.AdminSecretRef.Name
	l.PostgresCASecret = nameOf(class.Spec.Postgres.CASecretRef)
	l.ObjectStorePublic = class.Spec.ObjectStore.PublicEndpoint
	l.ObjectStoreRegion = class.Spec.ObjectStore.Region
	l.ObjectStoreAdminSecret = class.Spec.ObjectStore.AdminSecretRef.Name
	l.ObjectStoreCASecret = nameOf(class.Spec.ObjectStore.CASecretRef)
}

func nameOf(ref *v1alpha1.SecretReference) string {
	if ref == nil {
		return ""
	}
	return ref.Name
}

// withPostgresOf lets do work, as the admin, on the server that a ledger names.
// Errors: *refusal, *unreachableError, those of do.
func (r *DocVaultReconciler) withPostgresOf(
	ctx context.Context, l *ledger, do func(context.Context, *provision.Postgres, string) error,
) error {
	admin, err := r.adminSecret(ctx, l.PostgresAdminSecret, "username", "password")
	if err != nil {
		return err
	}
	ca, err := r.authorities(ctx, l.PostgresCASecret)
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(l.PostgresPort)
	if err != nil {
		return fmt.Errorf("read the port in the ledger: %w", err)
	}
	server := provision.PostgresServer{
		Host: l.PostgresHost, Port: port, SSLMode: l.PostgresSSLMode,
		User: admin["username"], Password: admin["password"], CA: ca,
	}
	return loginJudged(r.backends.withPostgres(ctx, l.Class, server, do), "Postgres server", l.PostgresAdminSecret)
}

// withStoreOf lets do work, as the admin, on the object store that a ledger names.
// Errors: *refusal, *unreachableError, those of do.
func (r *DocVaultReconciler) withStoreOf(
	ctx context.Context, l *ledger, do func(context.Context, *provision.ObjectStore) error,
) error {
	admin, err := r.adminSecret(ctx, l.ObjectStoreAdminSecret, "accessKey", "secretKey")
	if err != nil {
		return err
	}
	ca, err := r.authorities(ctx, l.ObjectStoreCASecret)
	if err != nil {
		return err
	}
	endpoint, err := url.Parse(l.ObjectStoreEndpoint)
	if err != nil {
		return fmt.Errorf("read the endpoint in the ledger: %w", err)
	}
	server := provision.ObjectStoreServer{
		Endpoint: hostPort(endpoint), Secure: endpoint.Scheme == "https", Region: l.ObjectStoreRegion,
		AccessKey: admin["accessKey"], SecretKey: admin["secretKey"], CA: ca,
	}
	return loginJudged(r.backends.withObjectStore(ctx, l.Class, server, do), "object store", l.ObjectStoreAdminSecret)
}

// loginJudged has refused credentials be a matter of the class's administrator, not an outage.
func loginJudged(err error, server, secret string) error {
	if provision.LoginRefused(err) {
		return refuse(v1alpha1.ReasonLoginRefused, "the class's %s refuses the credentials in Secret %s: its administrator mends them",
			server, secret)
	}
	return err
}

// hostPort returns where a URL's server listens.
func hostPort(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Host
	case u.Scheme == "https":
		return net.JoinHostPort(u.Hostname(), "443")
	}
	return net.JoinHostPort(u.Hostname(), "80")
}

// adminSecret reads the wanted keys of a Secret in the operator's namespace, live: a user brings it, the cache does not hold it.
// Errors: *refusal.
func (r *DocVaultReconciler) adminSecret(ctx context.Context, name string, keys ...string) (map[string]string, error) {
	secret := &corev1.Secret{}
	err := r.live.Get(ctx, client.ObjectKey{Namespace: r.Namespace, Name: name}, secret)
	if apierrors.IsNotFound(err) {
		return nil, refuse(v1alpha1.ReasonSecretNotFound,
			"the class's Secret %s does not exist in the operator's namespace: its administrator has to create it", name)
	}
	if err != nil {
		return nil, fmt.Errorf("read Secret %s: %w", name, err)
	}
	values := map[string]string{}
	for _, key := range keys {
		values[key] = string(secret.Data[key])
		if values[key] == "" {
			return nil, refuse(v1alpha1.ReasonSecretNotFound,
				"the class's Secret %s has no key %s: its administrator has to add it", name, key)
		}
	}
	return values, nil
}

func (r *DocVaultReconciler) authorities(ctx context.Context, name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	values, err := r.adminSecret(ctx, name, "ca.crt")
	if err != nil {
		return nil, err
	}
	certificates := []byte(values["ca.crt"])
	if !desired.AreCertificates(certificates) {
		return nil, refuse(v1alpha1.ReasonInvalidSecret, "key ca.crt of the class's Secret %s is not certificates in PEM: "+
			"its administrator has to correct it", name)
	}
	return certificates, nil
}

// provision makes database and bucket agree with the ledger. When the vault has served before, an admin connection that is
// away does not hold up the rest: the error is kept for the end of the pass.
func (p *pass) provision(ctx context.Context) (time.Duration, error) {
	var databaseErr, bucketErr error
	if !p.ledger.externalPostgres() {
		databaseErr = p.ensureDatabase(ctx)
		p.setBackend(v1alpha1.ConditionDatabaseReady, databaseErr, "database, roles and logins are as they should be")
	}
	if !p.ledger.externalObjectStore() {
		bucketErr = p.ensureBucket(ctx)
		p.setBackend(v1alpha1.ConditionBucketReady, bucketErr, "bucket, policy and key are as they should be")
	}
	if err := p.recordMade(ctx, databaseErr == nil, bucketErr == nil); err != nil {
		return 0, err
	}
	err := errors.Join(databaseErr, bucketErr)
	if err != nil && p.ledger.MigratedJob != "" {
		p.backendErr = err
		return 0, nil
	}
	return 0, err
}

// recordMade comes after the making: a pass that is cut off in between makes again what is there already, which changes nothing.
func (p *pass) recordMade(ctx context.Context, database, bucket bool) error {
	if database && !p.ledger.externalPostgres() {
		p.ledger.DatabaseMade = made
	}
	if bucket && !p.ledger.externalObjectStore() {
		p.ledger.BucketMade = made
	}
	return p.updateLedger(ctx, p.ledger)
}

func (p *pass) ensureDatabase(ctx context.Context) error {
	err := p.withPostgresOf(ctx, p.ledger, func(ctx context.Context, server *provision.Postgres, systemIdentifier string) error {
		if systemIdentifier != p.ledger.SystemIdentifier {
			return provision.ErrOtherServer
		}
		repaired, err := server.EnsureDatabase(ctx, p.ledger.databaseWanted())
		p.tellRepairs(repaired)
		return err
	})
	if err != nil {
		return fmt.Errorf("provision database: %w", p.explain(err, "database "+p.ledger.Database))
	}
	return nil
}

func (p *pass) ensureBucket(ctx context.Context) error {
	err := p.withStoreOf(ctx, p.ledger, func(ctx context.Context, store *provision.ObjectStore) error {
		repaired, err := store.EnsureBucket(ctx, p.ledger.bucketWanted())
		p.tellRepairs(repaired)
		return err
	})
	if err != nil {
		return fmt.Errorf("provision bucket: %w", p.explain(err, "bucket "+p.ledger.Bucket))
	}
	return nil
}

// startEmpty says how to do without data that was lost: nothing else may bring a vault up empty that was not.
const startEmpty = "To start empty instead, set spec.deletionPolicy to Delete, delete the vault and apply it again: what is left goes, too"

// explain turns what only people can settle into a refusal that says what to do; other errors stay as they are.
func (p *pass) explain(err error, what string) error {
	switch {
	case errors.Is(err, provision.ErrForeign):
		return refuse(v1alpha1.ReasonNotOwned,
			"%s or a role of its name exists without this vault's mark and was left untouched: remove or rename it (%v)", what, err)
	case errors.Is(err, provision.ErrDatabaseGone):
		return refuse(v1alpha1.ReasonDatabaseLost,
			"%s had been made and is gone from the Postgres server: restore it from a backup, under that name and with the comment "+
				"docvault:%s (pg_restore --create does). %s", what, p.ledger.Identity, startEmpty)
	case errors.Is(err, provision.ErrBucketGone):
		return refuse(v1alpha1.ReasonBucketLost,
			"%s had been made and is gone from the object store: restore it from a backup, under that name and with the tag "+
				"docvault-identity=%s. %s", what, p.ledger.Identity, startEmpty)
	case errors.Is(err, provision.ErrOtherServer):
		return refuse(v1alpha1.ReasonOtherServer,
			"the Postgres server at %s is not the one that holds %s (its system identifier differs): bring that one back",
			p.ledger.PostgresHost, what)
	case errors.Is(err, provision.ErrInsecureServer):
		return refuse(v1alpha1.ReasonInsecureServer, "%v", err)
	}
	return err
}

func (l *ledger) databaseWanted() provision.Database {
	return provision.Database{
		Identity: l.Identity, Name: l.Database, OwnerRole: l.OwnerRole, AppRole: l.AppRole,
		Logins:          l.logins(),
		ConnectionLimit: l.connectionLimit(),
		Made:            l.wasMade(l.DatabaseMade),
	}
}

func (l *ledger) bucketWanted() provision.Bucket {
	return provision.Bucket{
		Identity: l.Identity, Name: l.Bucket, User: l.StoreUser, UserSecret: l.UserSecret,
		Keys: l.keys(),
		Made: l.wasMade(l.BucketMade),
	}
}

// wasMade tells by the record, or, in ledgers from before there was one, by a migration that went through: it comes after both.
func (l *ledger) wasMade(record string) bool { return record == made || l.MigratedJob != "" }
