// Package provision makes what one vault needs on a Postgres server and an object store: database, schema rights, roles and
// logins; bucket, user, policy and keys. The operator and `docvault provision` share it. It knows nothing of Kubernetes.
//
// Everything is owned by proof: a vault's identity stands where the vault's own logins cannot write it, and what bears
// another mark, or none, is neither taken over nor dropped. Every function may be cut off at any point and run again.
package provision

import "errors"

var (
	// ErrForeign says that something of a wanted name exists and does not bear this vault's mark. It was left untouched.
	ErrForeign = errors.New("exists and does not belong to this vault")
	// ErrDatabaseGone says that a database which had been made is not there: making it again would hide the loss.
	ErrDatabaseGone = errors.New("the database was made and is gone")
	// ErrBucketGone says the same of a bucket.
	ErrBucketGone = errors.New("the bucket was made and is gone")
	// ErrOtherServer says that a server answered which is not the one that a vault was made on.
	ErrOtherServer = errors.New("another server answers at this address")
	// ErrBusy says that another session holds the vault's lock on the Postgres server.
	ErrBusy = errors.New("another session holds the vault's lock")
	// ErrInsecureServer says that an object store lets a restricted key mint an unrestricted one (CVE-2025-62506).
	ErrInsecureServer = errors.New("this MinIO release lets restricted keys mint stronger ones; " +
		"RELEASE.2025-10-15T17-29-55Z or later is needed")
)
