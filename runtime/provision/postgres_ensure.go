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

// EnsureDatabase makes everything of d that is missing and mends what differs; it writes nothing when all is as it should be. Of a
// database that had been made before it tells what it mended, also when it came to no good end.
// Errors: ErrForeign, ErrDatabaseGone, before anything is touched.
func (p *Postgres) EnsureDatabase(ctx context.Context, d Database) (repaired []string, err error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	m := &mending{silent: !d.Made}
	err = p.locked(ctx, d.Identity, func(admin *pgx.Conn) error {
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
		if err := ensureRoles(ctx, admin, d, seen, m); err != nil {
			return err
		}
		if err := ensureDatabase(ctx, admin, d, seen, m); err != nil {
			return err
		}
		if err := p.ensureContents(ctx, d, m); err != nil {
			return err
		}
		return p.ensurePasswords(ctx, admin, d, m)
	})
	return m.repaired, err
}

func ensureRoles(ctx context.Context, admin *pgx.Conn, d Database, seen server, m *mending) error {
	if err := roleStatements(d, seen, m); err != nil {
		return err
	}
	if err := m.send(ctx, admin); err != nil {
		return fmt.Errorf("make roles: %w", err)
	}
	return nil
}

// roleStatements makes and mends the roles. A role and its mark come in one transaction: there is never one without the other.
func roleStatements(d Database, seen server, m *mending) error {
	for _, name := range []string{d.OwnerRole, d.AppRole} {
		if _, ok := seen.roles[name]; !ok {
			m.add("CREATE ROLE %s NOLOGIN", ident(name))
			m.add("COMMENT ON ROLE %s IS %s", ident(name), literal(mark(d.Identity)))
			m.tell("role %s was missing", name)
		}
	}
	for _, l := range d.Logins {
		if _, ok := seen.roles[l.Name]; ok {
			continue
		}
		verifier, err := scramVerifier(l.Password)
		if err != nil {
			return err
		}
		m.add("CREATE ROLE %s LOGIN CONNECTION LIMIT %d PASSWORD %s", ident(l.Name), d.limit(), literal(verifier))
		m.add("COMMENT ON ROLE %s IS %s", ident(l.Name), literal(mark(d.Identity)))
		if !l.New {
			m.tell("login %s was missing", l.Name)
		}
	}
	// The admin sets the owner's default privileges and grants on its tables, so it needs the owner's rights.
	if !seen.superuser && !seen.roles[d.OwnerRole].AdminUses {
		m.add("GRANT %s TO CURRENT_USER%s", ident(d.OwnerRole), inheriting(seen.version))
	}
	mendGroup(m, seen, d.OwnerRole)
	mendGroup(m, seen, d.AppRole)
	for _, l := range d.Logins {
		mendLogin(m, d, seen, l)
	}
	return nil
}

func mendGroup(m *mending, seen server, name string) {
	r := seen.roles[name]
	if r.CanLogin {
		m.add("ALTER ROLE %s NOLOGIN", ident(name))
		m.tell("role %s could log in", name)
	}
	takeExcess(m, r)
	mendMembership(m, r, name, "", seen.version)
}

func mendLogin(m *mending, d Database, seen server, l Login) {
	r, existed := seen.roles[l.Name]
	if existed && (!r.CanLogin || r.Limit != d.limit()) {
		m.add("ALTER ROLE %s LOGIN CONNECTION LIMIT %d", ident(l.Name), d.limit())
	}
	if existed && !r.CanLogin {
		m.tell("login %s could not log in", l.Name)
	}
	takeExcess(m, r)
	group := d.AppRole
	if l.Role == Migrate {
		group = d.OwnerRole
	}
	mendMembership(m, r, l.Name, group, seen.version)
	switch {
	case l.Role == Migrate && r.ActsAs != d.OwnerRole:
		m.add("ALTER ROLE %s SET role = %s", ident(l.Name), literal(d.OwnerRole))
	case l.Role == App && r.ActsAs != "":
		m.add("ALTER ROLE %s RESET role", ident(l.Name))
	default:
		return
	}
	if existed {
		m.tell("login %s acted as %q", l.Name, r.ActsAs)
	}
}

func takeExcess(m *mending, r role) {
	if len(r.Excess) > 0 {
		m.add("ALTER ROLE %s %s", ident(r.Name), strings.Join(r.Excess, " "))
		m.tell("role %s was not %s", r.Name, strings.Join(r.Excess, " "))
	}
}

// mendMembership makes name a member of group (if any) and of no other role.
func mendMembership(m *mending, r role, name, group string, version int) {
	for i, other := range r.MemberOf {
		if other == group {
			continue
		}
		by := ""
		if version >= 160000 { // where one and the same membership can have been granted by several
			by = " GRANTED BY " + ident(r.MemberBy[i])
		}
		m.add("REVOKE %s FROM %s%s", ident(other), ident(name), by)
		m.tell("role %s was a member of %s", name, other)
	}
	if group != "" && !slices.Contains(r.Uses, group) {
		m.add("GRANT %s TO %s%s", ident(group), ident(name), inheriting(version))
		if r.Name != "" {
			m.tell("role %s was no member of %s", name, group)
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
func ensureDatabase(ctx context.Context, admin *pgx.Conn, d Database, seen server, m *mending) error {
	if x, ok := seen.databases[d.Name]; ok {
		databaseStatements(d, x, m)
		if err := m.send(ctx, admin); err != nil {
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

func databaseStatements(d Database, x database, m *mending) {
	if slices.Contains(d.roleNames(), x.Owner) {
		m.add("ALTER DATABASE %s OWNER TO CURRENT_USER", ident(d.Name))
		m.tell("database %s belonged to %s", d.Name, x.Owner)
	}
	if !x.Connect {
		m.add("ALTER DATABASE %s ALLOW_CONNECTIONS true", ident(d.Name))
		m.tell("database %s let nobody in", d.Name)
	}
	if !sameSet(x.Grants, d.OwnerRole+":CONNECT", d.AppRole+":CONNECT") {
		m.add("REVOKE ALL ON DATABASE %s FROM PUBLIC, %s", ident(d.Name), idents(d.roleNames()))
		m.add("GRANT CONNECT ON DATABASE %s TO %s, %s", ident(d.Name), ident(d.OwnerRole), ident(d.AppRole))
		m.tell("rights on database %s differed", d.Name)
	}
}

func (p *Postgres) ensureContents(ctx context.Context, d Database, m *mending) error {
	conn, err := p.connect(ctx, p.server.User, p.server.Password, d.Name)
	if err != nil {
		return fmt.Errorf("connect to the vault's database as the admin: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	seen, err := observeContents(ctx, conn, d)
	if err != nil {
		return err
	}
	contentsStatements(d, seen, m)
	if err := m.send(ctx, conn); err != nil {
		return fmt.Errorf("set rights in the database: %w", err)
	}
	return nil
}

// contentsStatements sets the rights on schema public, on what the owner will make and on what it has made. nextval, and so serial
// columns, need USAGE on the sequence and nothing more; identity columns need not even that. Functions are left to nobody: a
// migration that makes one for the app says so with GRANT EXECUTE … TO PUBLIC, and PUBLIC is this vault alone here.
func contentsStatements(d Database, seen contents, m *mending) {
	owner, app := ident(d.OwnerRole), ident(d.AppRole)
	if !sameSet(seen.Grants, d.OwnerRole+":USAGE", d.OwnerRole+":CREATE", d.AppRole+":USAGE") {
		m.add("REVOKE ALL ON SCHEMA public FROM PUBLIC, %s", idents(d.roleNames()))
		m.add("GRANT USAGE, CREATE ON SCHEMA public TO %s", owner)
		m.add("GRANT USAGE ON SCHEMA public TO %s", app)
		m.tell("rights on schema public differed")
	}
	if !sameSet(seen.Defaults, "r "+d.AppRole+":SELECT", "r "+d.AppRole+":INSERT", "r "+d.AppRole+":UPDATE", "r "+d.AppRole+":DELETE",
		"S "+d.AppRole+":USAGE") {
		// FOR ROLE is what makes these apply to what the owner makes, whoever sets them.
		defaults := "ALTER DEFAULT PRIVILEGES FOR ROLE " + owner
		m.add("%s REVOKE ALL ON TABLES FROM PUBLIC, %s", defaults, app)
		m.add("%s REVOKE ALL ON SEQUENCES FROM PUBLIC, %s", defaults, app)
		m.add("%s REVOKE ALL ON FUNCTIONS FROM PUBLIC, %s", defaults, app)
		m.add("%s GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %s", defaults, app)
		m.add("%s GRANT USAGE ON SEQUENCES TO %s", defaults, app)
		m.tell("default privileges of %s differed", d.OwnerRole)
	}
	extensionStatements(d, seen, m)
	others := idents(slices.DeleteFunc(d.roleNames(), func(name string) bool { return name == d.OwnerRole }))
	for _, table := range seen.Tables {
		m.add("REVOKE ALL ON TABLE %s FROM PUBLIC, %s CASCADE", table, others)
		m.add("GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE %s TO %s", table, app)
		m.tell("rights on table %s differed", table)
	}
	for _, sequence := range seen.Serials {
		m.add("REVOKE ALL ON SEQUENCE %s FROM PUBLIC, %s CASCADE", sequence, others)
		m.add("GRANT USAGE ON SEQUENCE %s TO %s", sequence, app)
		m.tell("rights on sequence %s differed", sequence)
	}
}

// extensionStatements makes what the vault searches with. Both extensions are trusted: who owns the database may create them. They
// are the admin's, in a schema of the admin's, where no login of the vault can put anything in their way.
func extensionStatements(d Database, seen contents, m *mending) {
	schema, roles := ident(extensionSchema), []string{d.OwnerRole, d.AppRole}
	if !seen.ExtensionSchema {
		m.add("CREATE SCHEMA %s", schema)
		m.tell("schema %s was missing", extensionSchema)
	}
	if !sameSet(seen.ExtensionGrants, d.OwnerRole+":USAGE", d.AppRole+":USAGE") {
		m.add("REVOKE ALL ON SCHEMA %s FROM PUBLIC, %s", schema, idents(d.roleNames()))
		m.add("GRANT USAGE ON SCHEMA %s TO %s", schema, idents(roles))
		m.tell("rights on schema %s differed", extensionSchema)
	}
	for _, name := range []string{"pg_trgm", "unaccent"} {
		if !slices.Contains(seen.Extensions, name) {
			m.add("CREATE EXTENSION %s SCHEMA %s", ident(name), schema)
			m.tell("extension %s was missing", name)
		}
	}
}

// ensurePasswords tries each login, since only a superuser could read what the server has, and sets what does not work.
func (p *Postgres) ensurePasswords(ctx context.Context, admin *pgx.Conn, d Database, m *mending) error {
	for _, l := range d.Logins {
		answer, err := p.tryLogin(ctx, d.Name, l)
		if err != nil {
			return fmt.Errorf("log in as %q: %w", l.Name, err)
		}
		if answer == loginRight {
			continue
		}
		verifier, err := scramVerifier(l.Password)
		if err != nil {
			return err
		}
		m.add("ALTER ROLE %s PASSWORD %s", ident(l.Name), literal(verifier))
		if answer == loginWrong {
			m.tell("the password of login %s was another", l.Name)
		}
		if err := m.send(ctx, admin); err != nil {
			return fmt.Errorf("set the password of %q: %w", l.Name, err)
		}
	}
	return nil
}

// loginAnswer is what trying a login tells.
type loginAnswer int

const (
	loginRight loginAnswer = iota
	loginWrong
	loginUntold // server or login have no free connection; setting the same password again does no harm
)

func (p *Postgres) tryLogin(ctx context.Context, database string, l Login) (loginAnswer, error) {
	conn, err := p.connect(ctx, l.Name, l.Password, database)
	switch {
	case hasCode(err, codeTooManyConnections):
		return loginUntold, nil
	case hasCode(err, codeInvalidPassword):
		return loginWrong, nil
	case err != nil:
		return loginUntold, err
	}
	return loginRight, conn.Close(ctx)
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
