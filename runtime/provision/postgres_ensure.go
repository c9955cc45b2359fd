package provision

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// EnsureDatabase makes everything of d that is missing and mends what differs; it writes nothing when all is as it should be.
// Errors: ErrForeign, ErrDatabaseGone, before anything is touched.
func (p *Postgres) EnsureDatabase(ctx context.Context, d Database) error {
	if err := d.validate(); err != nil {
		return err
	}
	return p.locked(ctx, d.Identity, func(admin *pgx.Conn) error {
		seen, err := observeServer(ctx, admin, d)
		if err != nil {
			return err
		}
		if err := seen.foreign(d); err != nil {
			return err
		}
		if _, ok := seen.databases[d.Name]; d.Made && !ok {
			return fmt.Errorf("database %q: %w", d.Name, ErrDatabaseGone)
		}
		if err := ensureRoles(ctx, admin, d, seen); err != nil {
			return err
		}
		if err := ensureDatabase(ctx, admin, d, seen); err != nil {
			return err
		}
		if err := p.ensureContents(ctx, d); err != nil {
			return err
		}
		return p.ensurePasswords(ctx, admin, d)
	})
}

func ensureRoles(ctx context.Context, admin *pgx.Conn, d Database, seen server) error {
	statements, err := roleStatements(d, seen)
	if err != nil {
		return err
	}
	if err := inTransaction(ctx, admin, statements); err != nil {
		return fmt.Errorf("make roles: %w", err)
	}
	return nil
}

// roleStatements makes and mends the roles. A role and its mark come in one transaction: there is never one without the other.
func roleStatements(d Database, seen server) (statements, error) {
	var s statements
	for _, name := range []string{d.OwnerRole, d.AppRole} {
		if _, ok := seen.roles[name]; !ok {
			s.add("CREATE ROLE %s NOLOGIN", ident(name))
			s.add("COMMENT ON ROLE %s IS %s", ident(name), literal(mark(d.Identity)))
		}
	}
	for _, l := range d.Logins {
		if _, ok := seen.roles[l.Name]; ok {
			continue
		}
		verifier, err := scramVerifier(l.Password)
		if err != nil {
			return nil, err
		}
		s.add("CREATE ROLE %s LOGIN CONNECTION LIMIT %d PASSWORD %s", ident(l.Name), d.limit(), literal(verifier))
		s.add("COMMENT ON ROLE %s IS %s", ident(l.Name), literal(mark(d.Identity)))
	}
	// The admin sets the owner's default privileges and grants on its tables, so it needs the owner's rights.
	if !seen.superuser && !seen.roles[d.OwnerRole].AdminUses {
		s.add("GRANT %s TO CURRENT_USER%s", ident(d.OwnerRole), inheriting(seen.version))
	}
	mendGroup(&s, d, seen, d.OwnerRole)
	mendGroup(&s, d, seen, d.AppRole)
	for _, l := range d.Logins {
		mendLogin(&s, d, seen, l)
	}
	return s, nil
}

func mendGroup(s *statements, d Database, seen server, name string) {
	r := seen.roles[name]
	if r.CanLogin {
		s.add("ALTER ROLE %s NOLOGIN", ident(name))
	}
	takeExcess(s, r)
	mendMembership(s, d, r, name, "", seen.version)
}

func mendLogin(s *statements, d Database, seen server, l Login) {
	r, existed := seen.roles[l.Name]
	if existed && (!r.CanLogin || r.Limit != d.limit()) {
		s.add("ALTER ROLE %s LOGIN CONNECTION LIMIT %d", ident(l.Name), d.limit())
	}
	takeExcess(s, r)
	group := d.AppRole
	if l.Role == Migrate {
		group = d.OwnerRole
	}
	mendMembership(s, d, r, l.Name, group, seen.version)
	switch {
	case l.Role == Migrate && r.ActsAs != d.OwnerRole:
		s.add("ALTER ROLE %s SET role = %s", ident(l.Name), literal(d.OwnerRole))
	case l.Role == App && r.ActsAs != "":
		s.add("ALTER ROLE %s RESET role", ident(l.Name))
	}
}

func takeExcess(s *statements, r role) {
	if len(r.Excess) > 0 {
		s.add("ALTER ROLE %s %s", ident(r.Name), strings.Join(r.Excess, " "))
	}
}

// mendMembership makes name a member of group (if any) and of no other group role of the vault.
func mendMembership(s *statements, d Database, r role, name, group string, version int) {
	if group != "" && !slices.Contains(r.Uses, group) {
		s.add("GRANT %s TO %s%s", ident(group), ident(name), inheriting(version))
	}
	for _, other := range []string{d.OwnerRole, d.AppRole} {
		if other != group && slices.Contains(r.Uses, other) {
			s.add("REVOKE %s FROM %s", ident(other), ident(name))
		}
	}
}

// inheriting asks for what membership always gave before Postgres 16: the group's rights, and SET ROLE.
func inheriting(version int) string {
	if version < 160000 {
		return ""
	}
	return " WITH INHERIT TRUE, SET TRUE"
}

// ensureDatabase makes the database in two steps, since CREATE DATABASE can be in no transaction and so cannot come together
// with its mark. It is made under a name that nothing else bears and allows no connection, so it is empty whatever happens; then
// one transaction marks it, closes it to PUBLIC, opens it and gives it its name.
func ensureDatabase(ctx context.Context, admin *pgx.Conn, d Database, seen server) error {
	if x, ok := seen.databases[d.Name]; ok {
		if err := inTransaction(ctx, admin, databaseStatements(d, x)); err != nil {
			return fmt.Errorf("mend the database: %w", err)
		}
		return nil
	}
	if _, made := seen.databases[d.unfinished()]; !made {
		if err := createDatabase(ctx, admin, d, seen.version); err != nil {
			return fmt.Errorf("create database: %w", err)
		}
	}
	var s statements
	s.add("COMMENT ON DATABASE %s IS %s", ident(d.unfinished()), literal(mark(d.Identity)))
	s.add("REVOKE ALL ON DATABASE %s FROM PUBLIC", ident(d.unfinished()))
	s.add("GRANT CONNECT ON DATABASE %s TO %s, %s", ident(d.unfinished()), ident(d.OwnerRole), ident(d.AppRole))
	s.add("ALTER DATABASE %s ALLOW_CONNECTIONS true", ident(d.unfinished()))
	s.add("ALTER DATABASE %s RENAME TO %s", ident(d.unfinished()), ident(d.Name))
	err := inTransaction(ctx, admin, s)
	if hasCode(err, codeDuplicateDatabase) {
		return fmt.Errorf("database %q: %w", d.Name, ErrForeign)
	}
	if err != nil {
		return fmt.Errorf("finish the database: %w", err)
	}
	return nil
}

// createDatabase gives the database a locale that knows the letters of all languages, whatever the cluster's: in a cluster of
// locale C lower('Ä') is 'Ä'. Where the server has none it is the cluster's.
func createDatabase(ctx context.Context, admin *pgx.Conn, d Database, version int) error {
	var err error
	for _, locale := range locales(version) {
		create := "CREATE DATABASE " + ident(d.unfinished()) + " TEMPLATE template0 ENCODING 'UTF8' ALLOW_CONNECTIONS false"
		_, err = admin.Exec(ctx, create+locale)
		if !hasCode(err, codeWrongObjectType, codeInvalidObjectDefinition) { // unknown to the server; not for UTF8
			return err
		}
	}
	return err
}

// locales are what to try, the best first. Postgres 17 brings one of its own, the same on every system; LC_CTYPE is the system's
// all the same, since text search goes by it.
func locales(version int) []string {
	if version < 170000 {
		return []string{" LOCALE_PROVIDER libc LOCALE 'C.UTF-8'", ""}
	}
	builtin := " LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
	return []string{builtin + " LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'", builtin, ""}
}

// unfinished is what the database is called until it bears its mark.
func (d Database) unfinished() string {
	return fmt.Sprintf("docvault_unfinished_%x", sha256.Sum256([]byte(d.Identity+"\x00"+d.Name)))[:maxNameBytes]
}

func databaseStatements(d Database, x database) statements {
	var s statements
	if slices.Contains(d.roleNames(), x.Owner) {
		s.add("ALTER DATABASE %s OWNER TO CURRENT_USER", ident(d.Name))
	}
	if !x.Connect {
		s.add("ALTER DATABASE %s ALLOW_CONNECTIONS true", ident(d.Name))
	}
	if !sameSet(x.Grants, d.OwnerRole+":CONNECT", d.AppRole+":CONNECT") {
		s.add("REVOKE ALL ON DATABASE %s FROM PUBLIC, %s", ident(d.Name), idents(d.roleNames()))
		s.add("GRANT CONNECT ON DATABASE %s TO %s, %s", ident(d.Name), ident(d.OwnerRole), ident(d.AppRole))
	}
	return s
}

func (p *Postgres) ensureContents(ctx context.Context, d Database) error {
	conn, err := p.connect(ctx, p.server.User, p.server.Password, d.Name)
	if err != nil {
		return fmt.Errorf("connect to the vault's database as the admin: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	seen, err := observeContents(ctx, conn, d)
	if err != nil {
		return err
	}
	if err := inTransaction(ctx, conn, contentsStatements(d, seen)); err != nil {
		return fmt.Errorf("set rights in the database: %w", err)
	}
	return nil
}

// contentsStatements sets the rights on schema public, on what the owner will make and on what it has made. nextval, and so serial
// columns, need USAGE on the sequence and nothing more; identity columns need not even that. Functions are left to nobody: a
// migration that makes one for the app says so with GRANT EXECUTE … TO PUBLIC, and PUBLIC is this vault alone here.
func contentsStatements(d Database, seen contents) statements {
	owner, app := ident(d.OwnerRole), ident(d.AppRole)
	var s statements
	if !sameSet(seen.Grants, d.OwnerRole+":USAGE", d.OwnerRole+":CREATE", d.AppRole+":USAGE") {
		s.add("REVOKE ALL ON SCHEMA public FROM PUBLIC, %s", idents(d.roleNames()))
		s.add("GRANT USAGE, CREATE ON SCHEMA public TO %s", owner)
		s.add("GRANT USAGE ON SCHEMA public TO %s", app)
	}
	if !sameSet(seen.Defaults, "r "+d.AppRole+":SELECT", "r "+d.AppRole+":INSERT", "r "+d.AppRole+":UPDATE", "r "+d.AppRole+":DELETE",
		"S "+d.AppRole+":USAGE") {
		// FOR ROLE is what makes these apply to what the owner makes, whoever sets them.
		defaults := "ALTER DEFAULT PRIVILEGES FOR ROLE " + owner
		s.add("%s REVOKE ALL ON TABLES FROM PUBLIC, %s", defaults, app)
		s.add("%s REVOKE ALL ON SEQUENCES FROM PUBLIC, %s", defaults, app)
		s.add("%s REVOKE ALL ON FUNCTIONS FROM PUBLIC, %s", defaults, app)
		s.add("%s GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %s", defaults, app)
		s.add("%s GRANT USAGE ON SEQUENCES TO %s", defaults, app)
	}
	extensionStatements(&s, d, seen)
	for _, table := range seen.Tables {
		s.add("REVOKE ALL ON TABLE %s FROM %s", table, app)
		s.add("GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE %s TO %s", table, app)
	}
	for _, sequence := range seen.Serials {
		s.add("REVOKE ALL ON SEQUENCE %s FROM %s", sequence, app)
		s.add("GRANT USAGE ON SEQUENCE %s TO %s", sequence, app)
	}
	return s
}

// extensionStatements makes what the vault searches with. Both extensions are trusted: who owns the database may create them. They
// are the admin's, in a schema of the admin's, where no login of the vault can put anything in their way.
func extensionStatements(s *statements, d Database, seen contents) {
	schema, roles := ident(extensionSchema), []string{d.OwnerRole, d.AppRole}
	if !seen.ExtensionSchema {
		s.add("CREATE SCHEMA %s", schema)
	}
	if !sameSet(seen.ExtensionGrants, d.OwnerRole+":USAGE", d.AppRole+":USAGE") {
		s.add("REVOKE ALL ON SCHEMA %s FROM PUBLIC, %s", schema, idents(d.roleNames()))
		s.add("GRANT USAGE ON SCHEMA %s TO %s", schema, idents(roles))
	}
	for _, name := range []string{"pg_trgm", "unaccent"} {
		if !slices.Contains(seen.Extensions, name) {
			s.add("CREATE EXTENSION %s SCHEMA %s", ident(name), schema)
		}
	}
}

// ensurePasswords tries each login, since only a superuser could read what the server has, and sets what does not work.
func (p *Postgres) ensurePasswords(ctx context.Context, admin *pgx.Conn, d Database) error {
	for _, l := range d.Logins {
		right, err := p.tryLogin(ctx, d.Name, l)
		if err != nil {
			return fmt.Errorf("log in as %q: %w", l.Name, err)
		}
		if right {
			continue
		}
		verifier, err := scramVerifier(l.Password)
		if err != nil {
			return err
		}
		if _, err := admin.Exec(ctx, fmt.Sprintf("ALTER ROLE %s PASSWORD %s", ident(l.Name), literal(verifier))); err != nil {
			return fmt.Errorf("set the password of %q: %w", l.Name, err)
		}
	}
	return nil
}

// tryLogin reports whether the server takes the password. A server or login without a free connection does not tell; then the
// password counts as wrong, and setting the same one again does no harm.
func (p *Postgres) tryLogin(ctx context.Context, database string, l Login) (bool, error) {
	conn, err := p.connect(ctx, l.Name, l.Password, database)
	if hasCode(err, codeInvalidPassword, codeTooManyConnections) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, conn.Close(ctx)
}

// limit is CONNECTION LIMIT as Postgres writes it.
func (d Database) limit() int {
	if d.ConnectionLimit == 0 {
		return -1
	}
	return d.ConnectionLimit
}

// Answers of Postgres (SQLSTATE) that mean something here.
const (
	codeDuplicateDatabase       = "42P04"
	codeWrongObjectType         = "42809"
	codeInvalidObjectDefinition = "42P17"
	codeInvalidPassword         = "28P01"
	codeInvalidAuthorization    = "28000"
	codeTooManyConnections      = "53300"
	codeLockNotAvailable        = "55P03"
)

// hasCode reports whether err, or any of the attempts it joins, is an answer of Postgres with one of the codes.
func hasCode(err error, codes ...string) bool {
	var answer *pgconn.PgError
	return errors.As(err, &answer) && slices.Contains(codes, answer.Code)
}
