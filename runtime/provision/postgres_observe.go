package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// role is what the catalog says of one role.
type role struct {
	Name      string   `db:"name"`
	Mark      string   `db:"mark"` // COMMENT ON ROLE; a vault's logins cannot write it, they lack CREATEROLE
	CanLogin  bool     `db:"can_login"`
	Excess    []string `db:"excess"`     // clauses of ALTER ROLE that put right what differs from every role of a vault
	Limit     int      `db:"conn_limit"` // -1: none
	ActsAs    string   `db:"acts_as"`    // the setting `role`
	Uses      []string `db:"uses"`       // whose privileges it has, of the vault's group roles
	MemberOf  []string `db:"member_of"`  // the roles that were granted to it
	MemberBy  []string `db:"member_by"`  // and who granted each
	AdminUses bool     `db:"admin_uses"` // the admin has its privileges
}

const selectRoles = `
SELECT r.rolname::text AS name,
       coalesce(shobj_description(r.oid, 'pg_authid'), '') AS mark,
       r.rolcanlogin AS can_login,
       array_remove(ARRAY[CASE WHEN r.rolsuper THEN 'NOSUPERUSER' END, CASE WHEN r.rolcreatedb THEN 'NOCREATEDB' END,
                          CASE WHEN r.rolcreaterole THEN 'NOCREATEROLE' END, CASE WHEN r.rolreplication THEN 'NOREPLICATION' END,
                          CASE WHEN r.rolbypassrls THEN 'NOBYPASSRLS' END, CASE WHEN NOT r.rolinherit THEN 'INHERIT' END,
                          CASE WHEN r.rolvaliduntil < 'infinity' THEN 'VALID UNTIL ''infinity''' END], NULL) AS excess,
       r.rolconnlimit AS conn_limit,
       coalesce((SELECT substr(c, 6) FROM unnest(r.rolconfig) c WHERE c LIKE 'role=%'), '') AS acts_as,
       coalesce((SELECT array_agg(g.rolname::text) FROM pg_roles g
                  WHERE g.rolname = ANY ($2) AND g.oid <> r.oid AND pg_has_role(r.oid, g.oid, 'USAGE')), '{}') AS uses,
       coalesce((SELECT array_agg(pg_get_userbyid(m.roleid)::text ORDER BY m.roleid, m.grantor)
                   FROM pg_auth_members m WHERE m.member = r.oid), '{}') AS member_of,
       coalesce((SELECT array_agg(pg_get_userbyid(m.grantor)::text ORDER BY m.roleid, m.grantor)
                   FROM pg_auth_members m WHERE m.member = r.oid), '{}') AS member_by,
       pg_has_role(r.oid, 'USAGE') AS admin_uses
  FROM pg_roles r
 WHERE r.rolname = ANY ($1)`

// database is what the catalog says of one database.
type database struct {
	Name    string   `db:"name"`
	Mark    string   `db:"mark"` // COMMENT ON DATABASE; only its owner, the admin, can write it
	Owner   string   `db:"owner"`
	Grants  []string `db:"grants"` // ROLE:PRIVILEGE to PUBLIC and the vault's roles, sorted
	Connect bool     `db:"connect"`
}

const selectDatabases = `
SELECT d.datname::text AS name,
       coalesce(shobj_description(d.oid, 'pg_database'), '') AS mark,
       pg_get_userbyid(d.datdba)::text AS owner,
       d.datallowconn AS connect,
       coalesce((SELECT array_agg(coalesce(r.rolname::text, 'PUBLIC') || ':' || a.privilege_type ORDER BY r.rolname, a.privilege_type)
                   FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
                   LEFT JOIN pg_roles r ON r.oid = a.grantee
                  WHERE a.grantee = 0 OR r.rolname = ANY ($2)), '{}') AS grants
  FROM pg_database d
 WHERE d.datname = ANY ($1)`

// server is what exists of one vault on a server, seen in one round trip.
type server struct {
	superuser bool
	version   int // 160004 is 16.4
	roles     map[string]role
	databases map[string]database
}

func observeServer(ctx context.Context, admin *pgx.Conn, d Database) (server, error) {
	s := server{roles: map[string]role{}, databases: map[string]database{}}
	var batch pgx.Batch
	batch.Queue("SELECT rolsuper, current_setting('server_version_num')::int FROM pg_roles WHERE rolname = current_user").
		QueryRow(func(row pgx.Row) error { return row.Scan(&s.superuser, &s.version) })
	batch.Queue(selectRoles, d.roleNames(), []string{d.OwnerRole, d.AppRole}).Query(func(rows pgx.Rows) error {
		found, err := pgx.CollectRows(rows, pgx.RowToStructByName[role])
		for _, r := range found {
			s.roles[r.Name] = r
		}
		return err
	})
	batch.Queue(selectDatabases, []string{d.Name, d.unfinished()}, d.roleNames()).Query(func(rows pgx.Rows) error {
		found, err := pgx.CollectRows(rows, pgx.RowToStructByName[database])
		for _, x := range found {
			s.databases[x.Name] = x
		}
		return err
	})
	if err := admin.SendBatch(ctx, &batch).Close(); err != nil {
		return s, fmt.Errorf("read the server's catalog: %w", err)
	}
	return s, nil
}

// foreign returns ErrForeign when anything of the vault's names bears another mark or none.
func (s server) foreign(d Database) error {
	for _, name := range d.roleNames() {
		if r, ok := s.roles[name]; ok && r.Mark != mark(d.Identity) {
			return fmt.Errorf("role %q: %w", name, ErrForeign)
		}
	}
	if x, ok := s.databases[d.Name]; ok && x.Mark != mark(d.Identity) {
		return fmt.Errorf("database %q: %w", d.Name, ErrForeign)
	}
	if half, ok := s.databases[d.unfinished()]; ok && half.Connect {
		return fmt.Errorf("database %q: %w", half.Name, ErrForeign)
	}
	return nil
}

// contents is what the vault's own database says, of schema public and of what the owner role makes in it.
type contents struct {
	Grants   []string `db:"grants"`   // ROLE:PRIVILEGE on schema public, to PUBLIC and the vault's roles, sorted
	Defaults []string `db:"defaults"` // TYPE ROLE:PRIVILEGE of the owner's default privileges, to PUBLIC and the app role, sorted
	Tables   []string `db:"tables"`   // of the owner, on which PUBLIC or the vault's roles have other rights than they should
	Serials  []string `db:"serials"`  // sequences, likewise

	ExtensionSchema bool     `db:"extension_schema"` // it exists
	ExtensionGrants []string `db:"extension_grants"` // ROLE:PRIVILEGE on it, to PUBLIC and the vault's roles, sorted
	Extensions      []string `db:"extensions"`
}

// extensionSchema is where a vault's database has its extensions. Migrations name it.
const extensionSchema = "extensions"

// selectContents reads what the owner's default privileges are, set or built in (acldefault calls sequences s, pg_default_acl S).
const selectContents = `
SELECT coalesce((SELECT array_agg(coalesce(r.rolname::text, 'PUBLIC') || ':' || a.privilege_type ORDER BY r.rolname, a.privilege_type)
                   FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
                   LEFT JOIN pg_roles r ON r.oid = a.grantee
                  WHERE n.nspname = 'public' AND (a.grantee = 0 OR r.rolname = ANY ($3))), '{}') AS grants,
       coalesce((SELECT array_agg(d.defaclobjtype::text || ' ' || coalesce(r.rolname::text, 'PUBLIC') || ':' || a.privilege_type
                                  ORDER BY d.defaclobjtype, r.rolname, a.privilege_type)
                   FROM (VALUES ('r'::"char", 'r'::"char"), ('S', 's'), ('f', 'f')) t (objtype, builtin)
                   CROSS JOIN (SELECT oid FROM pg_roles WHERE rolname = $1::name) o
                   LEFT JOIN pg_default_acl x ON x.defaclrole = o.oid AND x.defaclnamespace = 0 AND x.defaclobjtype = t.objtype
                   CROSS JOIN LATERAL (SELECT t.objtype AS defaclobjtype, coalesce(x.defaclacl, acldefault(t.builtin, o.oid)) AS acl) d
                   CROSS JOIN LATERAL aclexplode(d.acl) a
                   LEFT JOIN pg_roles r ON r.oid = a.grantee
                  WHERE a.grantee = 0 OR r.rolname = $2::name), '{}') AS defaults,
       coalesce((SELECT array_agg(c.oid::regclass::text) FROM pg_class c
                  WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.relnamespace = 'public'::regnamespace
                    AND c.relowner = (SELECT oid FROM pg_roles WHERE rolname = $1::name)
                    AND (SELECT count(*) <> 4 OR count(*) FILTER (WHERE r.rolname = $2::name AND NOT a.is_grantable
                                AND a.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')) <> 4
                           FROM aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a LEFT JOIN pg_roles r ON r.oid = a.grantee
                          WHERE a.grantee <> c.relowner AND (a.grantee = 0 OR r.rolname = ANY ($3)))), '{}') AS tables,
       coalesce((SELECT array_agg(c.oid::regclass::text) FROM pg_class c
                  WHERE c.relkind = 'S' AND c.relnamespace = 'public'::regnamespace
                    AND c.relowner = (SELECT oid FROM pg_roles WHERE rolname = $1::name)
                    AND (SELECT count(*) <> 1 OR count(*) FILTER (WHERE r.rolname = $2::name AND NOT a.is_grantable
                                AND a.privilege_type = 'USAGE') <> 1
                           FROM aclexplode(coalesce(c.relacl, acldefault('s', c.relowner))) a LEFT JOIN pg_roles r ON r.oid = a.grantee
                          WHERE a.grantee <> c.relowner AND (a.grantee = 0 OR r.rolname = ANY ($3)))), '{}') AS serials,
       EXISTS (SELECT FROM pg_namespace WHERE nspname = $4) AS extension_schema,
       coalesce((SELECT array_agg(coalesce(r.rolname::text, 'PUBLIC') || ':' || a.privilege_type ORDER BY r.rolname, a.privilege_type)
                   FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
                   LEFT JOIN pg_roles r ON r.oid = a.grantee
                  WHERE n.nspname = $4 AND (a.grantee = 0 OR r.rolname = ANY ($3))), '{}') AS extension_grants,
       coalesce((SELECT array_agg(extname::text) FROM pg_extension), '{}') AS extensions`

func observeContents(ctx context.Context, conn *pgx.Conn, d Database) (contents, error) {
	rows, err := conn.Query(ctx, selectContents, d.OwnerRole, d.AppRole, d.roleNames(), extensionSchema)
	if err != nil {
		return contents{}, fmt.Errorf("read the database's catalog: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[contents])
	if err != nil {
		return c, fmt.Errorf("read the database's catalog: %w", err)
	}
	return c, nil
}

// roleNames returns every role of the vault, group roles first.
func (d Database) roleNames() []string {
	names := []string{d.OwnerRole, d.AppRole}
	for _, l := range d.Logins {
		names = append(names, l.Name)
	}
	return names
}

// maxNameBytes is NAMEDATALEN-1: Postgres cuts longer names without a word, and then they name something else.
const maxNameBytes = 63

func (d Database) validate() error {
	if d.Identity == "" {
		return errors.New("a vault without identity cannot be told from others")
	}
	names := d.roleNames()
	for i, name := range append([]string{d.Name}, names...) {
		if name == "" || len(name) > maxNameBytes {
			return fmt.Errorf("name %q: 1 to %d bytes are needed", name, maxNameBytes)
		}
		if i > 0 && slices.Contains(names[:i-1], name) {
			return fmt.Errorf("role %q is named twice: owner, app role and logins must differ", name)
		}
	}
	return nil
}
