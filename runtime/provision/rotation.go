package provision

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/minio/minio-go/v7"
)

// EndLogins ends logins that d does not list any more: nobody is let in, their sessions are terminated, and the roles are dropped.
// What they made in the vault's database goes to its owner role. What is gone already, or bears another mark, is left alone.
func (p *Postgres) EndLogins(ctx context.Context, d Database, names ...string) error {
	if err := d.validate(); err != nil {
		return err
	}
	return p.locked(ctx, d.Identity, func(admin *pgx.Conn) error {
		seen, err := observeServer(ctx, admin, d)
		if err != nil {
			return err
		}
		marked, err := markedRoles(ctx, admin, d.Identity)
		if err != nil {
			return err
		}
		ending := slices.DeleteFunc(marked, func(name string) bool {
			return !slices.Contains(names, name) || slices.Contains(d.roleNames(), name)
		})
		if len(ending) == 0 {
			return nil
		}
		loginsAlone := server{superuser: seen.superuser, version: seen.version} // its databases stay open
		if err := endSessions(ctx, admin, loginsAlone, ending); err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
		if err := p.handOver(ctx, d, ending); err != nil {
			return fmt.Errorf("hand over what the logins own: %w", err)
		}
		if err := p.dropStrays(ctx, admin, ending); err != nil {
			return err
		}
		return dropRoles(ctx, admin, ending)
	})
}

// handOver gives what logins own in the vault's database to its owner: dropping a login must lose no data.
func (p *Postgres) handOver(ctx context.Context, d Database, logins []string) error {
	conn, err := p.connect(ctx, p.server.User, p.server.Password, d.Name)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var owns bool
	err = conn.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid AND s.refclassid = 'pg_authid'::regclass
		                WHERE r.rolname = ANY ($1) AND s.deptype = 'o'
		                  AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()))`, logins).Scan(&owns)
	if err != nil || !owns {
		return err
	}
	_, err = conn.Exec(ctx, "REASSIGN OWNED BY "+idents(logins)+" TO "+ident(d.OwnerRole))
	return err
}

// EndKey ends an access key that b does not list any more. What is gone already is no error, and another's key is left alone.
func (o *ObjectStore) EndKey(ctx context.Context, b Bucket, accessKey string) error {
	if err := b.validate(); err != nil {
		return err
	}
	err := o.endKey(ctx, b, accessKey)
	if isAdminError(err, minio.InvalidAccessKeyID, minio.SignatureDoesNotMatch, minio.AccessDenied) {
		// The vault's own user is not as it should be, or has another secret.
		if state, err := o.bucketState(ctx, b); err != nil || state != bucketOurs {
			return fmt.Errorf("bucket %q: %w", b.Name, cmp.Or(err, ErrForeign))
		}
		if err := o.ensureAccess(ctx, b); err != nil {
			return err
		}
		err = o.endKey(ctx, b, accessKey)
	}
	if err != nil {
		return fmt.Errorf("end a key of user %q: %w", b.User, err)
	}
	return nil
}

// endKey deletes a key as the vault's own user, so that the server checks whose it is.
func (o *ObjectStore) endKey(ctx context.Context, b Bucket, accessKey string) error {
	user, query := Key{AccessKey: b.User, SecretKey: b.UserSecret}, url.Values{"accessKey": {accessKey}}
	err := o.adminAs(ctx, user, http.MethodDelete, "delete-service-account", query, nil, nil)
	if isAdminError(err, "XMinioInvalidIAMCredentials") {
		return nil
	}
	return err
}
