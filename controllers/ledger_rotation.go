package controllers

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docvault/docvault/runtime/provision"
)

// credentials are one set of what a vault logs in with. A rotation makes another; both live until the old one is ended.
type credentials struct {
	MigrateLogin    string
	MigratePassword string
	AppLogin        string
	AppPassword     string
	AccessKey       string
	StoreKey        string // secret of AccessKey
	RedisUser       string
	RedisPassword   string
	SecretKey       string // of the runtime, hex
	Token           string
}

func (c *credentials) fields() map[string]*string {
	return map[string]*string{
		"migrateLogin":    &c.MigrateLogin,
		"migratePassword": &c.MigratePassword,
		"appLogin":        &c.AppLogin,
		"appPassword":     &c.AppPassword,
		"accessKey":       &c.AccessKey,
		"secretAccessKey": &c.StoreKey,
		"redisUser":       &c.RedisUser,
		"redisPassword":   &c.RedisPassword,
		"secretKey":       &c.SecretKey,
		"token":           &c.Token,
	}
}

// firstCredentials are those that a vault begins with.
func firstCredentials(database string) credentials {
	return credentials{
		MigrateLogin: database + "_migrate_a", MigratePassword: rand.Text(),
		AppLogin: database + "_app_a", AppPassword: rand.Text(),
		AccessKey: rand.Text()[:20], // MinIO takes 3 to 20 letters
		StoreKey:  rand.Text(),      // and 8 to 40
		RedisUser: "docvault_a", RedisPassword: rand.Text(),
		SecretKey: randomHex(32), Token: rand.Text(),
	}
}

// next returns the credentials that follow. What users hold, the token, and what stored secrets are sealed with change after a leak
// alone.
func (c credentials) next(leak bool) credentials {
	n := credentials{
		RedisUser: sibling(c.RedisUser), RedisPassword: rand.Text(),
		SecretKey: c.SecretKey, Token: c.Token,
	}
	if c.AppLogin != "" { // none where the vault's owner brings the database
		n.MigrateLogin, n.MigratePassword = sibling(c.MigrateLogin), rand.Text()
		n.AppLogin, n.AppPassword = sibling(c.AppLogin), rand.Text()
	}
	if c.AccessKey != "" { // likewise
		n.AccessKey, n.StoreKey = rand.Text()[:20], rand.Text()
	}
	if leak {
		n.renewShared()
	}
	return n
}

func (c *credentials) renewShared() { c.SecretKey, c.Token = randomHex(32), rand.Text() }

// sibling turns a name that ends in a into one that ends in b, and back.
func sibling(name string) string {
	if base, ok := strings.CutSuffix(name, "_a"); ok {
		return base + "_b"
	}
	return strings.TrimSuffix(name, "_b") + "_a"
}

// The phases of a rotation; a ledger without one is settled.
const (
	phaseMaking  = "making"  // Other is made on the backends; nothing uses it yet
	phaseRolling = "rolling" // the current ones are the new ones; Other is what pods may still hold
	phaseGrace   = "grace"   // no pod holds Other any more; it works until EndsAt
	phaseEnded   = "ended"   // Other is gone; until EndsAt a Redis that starts again may still read an old list of users
)

// The causes of a rotation. After a leak the old credentials are ended as soon as the new ones serve.
const (
	requested = "request"
	periodic  = "period"
	leaked    = "leak"
)

// rotation is what the ledger says of the rotation of credentials.
type rotation struct {
	Generation string // how many there were; empty: none
	RotatedAt  string // when the last one's credentials began to serve, RFC 3339
	Phase      string
	Cause      string // what for the rotation is; empty once it is over
	EndsAt     string // when the phase ends; of phaseRolling after a leak, at the latest
	// RotateSeen and RotateNowSeen are the values of the annotations that were acted on.
	RotateSeen    string
	RotateNowSeen string
	// OldKeys are keys of the object store that still work, since links are signed with them: JSON of []oldKey.
	OldKeys            string
	SecretKeysPrevious string // comma-separated, the youngest first
	// RedisAdmin is the password of the one who changes the users of Redis; RedisRestarted tells the list of users for
	// which Redis was last restarted.
	RedisAdmin     string
	RedisRestarted string

	Other credentials
}

func (r *rotation) fields() map[string]*string {
	fields := map[string]*string{
		"rotationGeneration": &r.Generation,
		"rotatedAt":          &r.RotatedAt,
		"rotationPhase":      &r.Phase,
		"rotationCause":      &r.Cause,
		"rotationEndsAt":     &r.EndsAt,
		"rotateSeen":         &r.RotateSeen,
		"rotateNowSeen":      &r.RotateNowSeen,
		"oldSecretKeys":      &r.OldKeys,
		"secretKeysPrevious": &r.SecretKeysPrevious,
		"redisAdminPassword": &r.RedisAdmin,
		"redisRestarted":     &r.RedisRestarted,
	}
	for key, field := range r.Other.fields() {
		fields["other"+strings.ToUpper(key[:1])+key[1:]] = field
	}
	return fields
}

// oldKey is a key of the object store that is ended at its time.
type oldKey struct {
	AccessKey string    `json:"accessKey"`
	SecretKey string    `json:"secretKey"`
	EndsAt    time.Time `json:"endsAt"`
}

func (r *rotation) oldKeys() ([]oldKey, error) {
	if r.OldKeys == "" {
		return nil, nil
	}
	var keys []oldKey
	if err := json.Unmarshal([]byte(r.OldKeys), &keys); err != nil {
		return nil, fmt.Errorf("read the old keys in the ledger: %w", err)
	}
	return keys, nil
}

func (r *rotation) setOldKeys(keys []oldKey) error {
	r.OldKeys = ""
	if len(keys) == 0 {
		return nil
	}
	text, err := json.Marshal(keys) //nolint:gosec // the ledger is the Secret where these belong
	if err != nil {
		return fmt.Errorf("write the old keys: %w", err)
	}
	r.OldKeys = string(text)
	return nil
}

func (r *rotation) isLeak() bool { return r.Cause == leaked }

// cause is what for the rotation is that goes on. Ledgers from before it was recorded say so of leaks alone.
func (r *rotation) cause() string { return cmp.Or(r.Cause, requested) }

// due reports whether the phase has come to its end.
func (r *rotation) due(now time.Time) bool { return r.EndsAt != "" && !now.Before(timeOf(r.EndsAt)) }

// generation counts the rotations.
func (r *rotation) generation() int64 {
	n, _ := strconv.ParseInt(r.Generation, 10, 64) // empty before the first
	return n
}

func timeOf(text string) time.Time {
	t, _ := time.Parse(time.RFC3339, text) // what cannot be read is long ago, and so is due
	return t
}

// startRotation draws the next credentials.
func (l *ledger) startRotation(cause string) {
	l.Other = l.credentials.next(cause == leaked)
	l.Phase, l.Cause, l.EndsAt = phaseMaking, cause, ""
}

// serveNew makes the credentials that were made those that serve. Stored secrets stay readable under the key before.
func (l *ledger) serveNew(now time.Time) {
	l.credentials, l.Other = l.Other, l.credentials
	if l.Other.SecretKey != l.SecretKey {
		previous := append([]string{l.Other.SecretKey}, l.previousSecretKeys()...)
		l.SecretKeysPrevious = strings.Join(previous, ",")
	}
	l.Phase, l.EndsAt = phaseRolling, ""
	if l.isLeak() {
		l.EndsAt = now.Add(leakPatience).Format(time.RFC3339)
	}
	l.Generation = strconv.FormatInt(l.generation()+1, 10)
	l.RotatedAt = now.UTC().Format(time.RFC3339)
}

func (r *rotation) previousSecretKeys() []string {
	if r.SecretKeysPrevious == "" {
		return nil
	}
	return strings.Split(r.SecretKeysPrevious, ",")
}

// startGrace lets the old credentials go on for a time; after a leak, no time at all, and older keys of the store neither.
func (l *ledger) startGrace(now time.Time, grace time.Duration) error {
	keys, err := l.oldKeys()
	if err != nil {
		return err
	}
	keyGrace := max(grace, longestLink)
	if l.isLeak() {
		grace, keyGrace = 0, 0
		for i := range keys {
			keys[i].EndsAt = now.UTC()
		}
	}
	if l.Other.AccessKey != "" {
		keys = append(keys, oldKey{l.Other.AccessKey, l.Other.StoreKey, now.Add(keyGrace).UTC().Truncate(time.Second)})
	}
	if over := len(keys) - maxOldKeys; over > 0 {
		for i := range over {
			keys[i].EndsAt = now.UTC()
		}
	}
	l.Other.AccessKey, l.Other.StoreKey = "", ""
	l.Phase, l.EndsAt = phaseGrace, now.Add(grace).UTC().Format(time.RFC3339)
	return l.setOldKeys(keys)
}

// logins are the Postgres logins that there are.
func (l *ledger) logins() []provision.Login {
	logins := []provision.Login{
		{Name: l.MigrateLogin, Password: l.MigratePassword, Role: provision.Migrate},
		{Name: l.AppLogin, Password: l.AppPassword, Role: provision.App},
	}
	if l.Other.AppLogin == "" {
		return logins
	}
	isNew := l.Phase == phaseMaking
	return append(logins,
		provision.Login{Name: l.Other.MigrateLogin, Password: l.Other.MigratePassword, Role: provision.Migrate, New: isNew},
		provision.Login{Name: l.Other.AppLogin, Password: l.Other.AppPassword, Role: provision.App, New: isNew})
}

// keys are the keys of the object store that there are, but for those that are to end now.
func (l *ledger) keys() []provision.Key {
	keys := []provision.Key{{AccessKey: l.AccessKey, SecretKey: l.StoreKey}}
	if l.Other.AccessKey != "" {
		keys = append(keys, provision.Key{AccessKey: l.Other.AccessKey, SecretKey: l.Other.StoreKey, New: l.Phase == phaseMaking})
	}
	old, _ := l.oldKeys() // whoever ends them says that they cannot be read
	for _, k := range old {
		keys = append(keys, provision.Key{AccessKey: k.AccessKey, SecretKey: k.SecretKey})
	}
	return keys
}

// dueKeys are the old keys whose time has come, rest the others.
func (r *rotation) dueKeys(now time.Time) (due, rest []oldKey, err error) {
	keys, err := r.oldKeys()
	for _, k := range keys {
		if now.Before(k.EndsAt) {
			rest = append(rest, k)
		} else {
			due = append(due, k)
		}
	}
	return due, rest, err
}

// wakesAt is when something of a rotation is due, zero when nothing is.
func (r *rotation) wakesAt() time.Time {
	var times []time.Time
	if r.EndsAt != "" {
		times = append(times, timeOf(r.EndsAt))
	}
	keys, _ := r.oldKeys()
	for _, k := range keys {
		times = append(times, k.EndsAt)
	}
	if len(times) == 0 {
		return time.Time{}
	}
	return slices.MinFunc(times, time.Time.Compare)
}
