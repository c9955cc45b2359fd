package provision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// firstSecure is the MinIO release that no longer lets a restricted key mint an unrestricted one (CVE-2025-62506).
var firstSecure = time.Date(2025, time.October, 15, 17, 29, 55, 0, time.UTC)

// refuseInsecure refuses servers before firstSecure. A server built from source without a stamp calls itself DEVELOPMENT.something:
// whoever builds it answers for its age.
func (o *ObjectStore) refuseInsecure(ctx context.Context) error {
	var info struct {
		Servers []struct {
			Version string `json:"version"`
		} `json:"servers"`
	}
	if err := o.admin(ctx, http.MethodGet, "info", nil, nil, &info); err != nil {
		return fmt.Errorf("ask the object store for its release: %w", err)
	}
	if len(info.Servers) == 0 {
		return errors.New("the object store does not tell its release")
	}
	for _, s := range info.Servers {
		released, err := time.Parse(time.RFC3339, s.Version)
		if strings.HasPrefix(s.Version, "DEVELOPMENT") {
			continue
		}
		if err != nil || released.Before(firstSecure) {
			return fmt.Errorf("MinIO %s: %w", s.Version, ErrInsecureServer)
		}
	}
	return nil
}

type policyDocument struct {
	Version   string            `json:"Version"`
	Statement []policyStatement `json:"Statement"`
}

type policyStatement struct {
	Sid      string   `json:"Sid,omitempty"`
	Effect   string   `json:"Effect"`
	Action   []string `json:"Action"`
	Resource []string `json:"Resource,omitempty"`
	// These stand in no policy of a vault: they are read to see that.
	NotAction   []string       `json:"NotAction,omitempty"`
	NotResource []string       `json:"NotResource,omitempty"`
	Condition   map[string]any `json:"Condition,omitempty"`
}

// policy is all that a vault's user may do. The first Sid is the mark. The denial is what keeps a key from minting another: MinIO
// lets every user make service accounts of its own unless told otherwise.
func (b Bucket) policy() policyDocument {
	bucket := "arn:aws:s3:::" + b.Name
	return policyDocument{Version: "2012-10-17", Statement: []policyStatement{
		{
			Sid: mark(b.Identity), Effect: "Allow", Resource: []string{bucket},
			Action: []string{"s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"},
		},
		{
			Effect: "Allow", Resource: []string{bucket + "/*"},
			Action: []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"},
		},
		{Effect: "Deny", Action: []string{"admin:*"}},
	}}
}

// claim writes the policy, which is the proof of what comes after it: the bucket before it bears its mark, and the user. A claim
// is first made only where neither bucket nor user exists.
func (o *ObjectStore) claim(ctx context.Context, b Bucket, state bucketState) error {
	found, err := o.readPolicy(ctx, b)
	if err != nil {
		return err
	}
	user, err := o.readUser(ctx, b)
	if err != nil {
		return err
	}
	if err := foreignAccess(b, state, found, user); err != nil {
		return err
	}
	if err := o.admin(ctx, http.MethodPut, "add-canned-policy", url.Values{"name": {b.User}}, plain(b.policy()), nil); err != nil {
		return fmt.Errorf("write the policy: %w", err)
	}
	return nil
}

// foreignAccess returns ErrForeign when bucket, policy or user is not the vault's. Where the bucket bears the mark, policy and user of
// its name are the vault's too, unless the policy is marked as another's.
func foreignAccess(b Bucket, state bucketState, policy *policyDocument, user *storeUser) error {
	claimed := policy != nil && policy.bears(mark(b.Identity))
	switch {
	case policy != nil && !claimed && (state != bucketOurs || policy.bearsAnother(b)):
		return fmt.Errorf("MinIO policy %q: %w", b.User, ErrForeign)
	case !claimed && state == bucketUnmarked:
		return fmt.Errorf("bucket %q: %w", b.Name, ErrForeign)
	case user != nil && state != bucketOurs && (!user.policies().onlyOf(b) || !claimed && state == bucketAbsent):
		return fmt.Errorf("MinIO user %q: %w", b.User, ErrForeign)
	}
	return nil
}

// claimed reports whether the policy stands and bears the vault's mark. Errors: ErrForeign, when it bears another or none.
func (o *ObjectStore) claimed(ctx context.Context, b Bucket) (bool, error) {
	found, err := o.readPolicy(ctx, b)
	if err != nil || found == nil {
		return false, err
	}
	if !found.bears(mark(b.Identity)) {
		return false, fmt.Errorf("MinIO policy %q: %w", b.User, ErrForeign)
	}
	return true, nil
}

// readPolicy returns the policy of the vault's name, nil when there is none.
func (o *ObjectStore) readPolicy(ctx context.Context, b Bucket) (*policyDocument, error) {
	found := &policyDocument{}
	err := o.admin(ctx, http.MethodGet, "info-canned-policy", url.Values{"name": {b.User}}, nil, found)
	if isAdminError(err, "XMinioAdminNoSuchPolicy") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the policy: %w", err)
	}
	return found, nil
}

// attachedPolicies are the names of a user's policies.
type attachedPolicies []string

// onlyOf reports whether a user with these policies can be the vault's: it has the vault's policy, or none yet.
func (a attachedPolicies) onlyOf(b Bucket) bool {
	return len(a) == 0 || slices.Contains(a, b.User)
}

// storeUser is what the server says of a user.
type storeUser struct {
	PolicyName string   `json:"policyName"` // several, separated by commas
	Status     string   `json:"status"`
	MemberOf   []string `json:"memberOf"` // groups, whose policies count too
}

func (u *storeUser) policies() attachedPolicies {
	if u.PolicyName == "" {
		return nil
	}
	return strings.Split(u.PolicyName, ",")
}

// readUser returns the vault's user, nil when there is none.
func (o *ObjectStore) readUser(ctx context.Context, b Bucket) (*storeUser, error) {
	user := &storeUser{}
	err := o.admin(ctx, http.MethodGet, "user-info", url.Values{"accessKey": {b.User}}, nil, user)
	if isAdminError(err, "XMinioAdminNoSuchUser") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the user: %w", err)
	}
	return user, nil
}

// ensureAccess makes the user, gives it its policy and makes its keys.
func (o *ObjectStore) ensureAccess(ctx context.Context, b Bucket) error {
	user := map[string]string{"secretKey": b.UserSecret, "status": "enabled"}
	if err := o.admin(ctx, http.MethodPut, "add-user", url.Values{"accessKey": {b.User}}, secret(user), nil); err != nil {
		return fmt.Errorf("make the user: %w", err)
	}
	attach := url.Values{"policyName": {b.User}, "userOrGroup": {b.User}, "isGroup": {"false"}}
	if err := o.admin(ctx, http.MethodPut, "set-user-or-group-policy", attach, nil, nil); err != nil {
		return fmt.Errorf("give the user its policy: %w", err)
	}
	if err := o.leaveGroups(ctx, b); err != nil {
		return err
	}
	for _, k := range b.Keys {
		if err := o.ensureKey(ctx, b, k); err != nil {
			return err
		}
	}
	return nil
}

// leaveGroups takes the user out of every group: a group's policies would be its own too.
func (o *ObjectStore) leaveGroups(ctx context.Context, b Bucket) error {
	user, err := o.readUser(ctx, b)
	if err != nil || user == nil {
		return err
	}
	for _, group := range user.MemberOf {
		change := map[string]any{"group": group, "members": []string{b.User}, "isRemove": true}
		if err := o.admin(ctx, http.MethodPut, "update-group-members", nil, plain(change), nil); err != nil {
			return fmt.Errorf("take the user out of group %q: %w", group, err)
		}
	}
	return nil
}

func (o *ObjectStore) ensureKey(ctx context.Context, b Bucket, k Key) error {
	if works, err := o.keyWorks(ctx, b, k); err != nil || works {
		return err
	}
	// What does not work may be a key with another secret.
	if err := o.endKey(ctx, b, k.AccessKey); err != nil {
		return fmt.Errorf("replace key %q: %w", k.AccessKey, err)
	}
	account := map[string]string{
		"accessKey": k.AccessKey, "secretKey": k.SecretKey, "targetUser": b.User, "name": "docvault", "description": b.Name,
	}
	err := o.admin(ctx, http.MethodPut, "add-service-account", nil, secret(account), nil)
	if isAdminError(err, "XMinioIAMServiceAccountNotAllowed") {
		return fmt.Errorf("key %q: %w", k.AccessKey, ErrForeign)
	}
	if err != nil {
		return fmt.Errorf("make key %q: %w", k.AccessKey, err)
	}
	return nil
}

// removeUser removes the vault's user and with it all its keys.
func (o *ObjectStore) removeUser(ctx context.Context, b Bucket) error {
	user, err := o.readUser(ctx, b)
	if err != nil || user == nil {
		return err
	}
	if !user.policies().onlyOf(b) {
		return fmt.Errorf("MinIO user %q: %w", b.User, ErrForeign)
	}
	if err := o.admin(ctx, http.MethodDelete, "remove-user", url.Values{"accessKey": {b.User}}, nil, nil); err != nil {
		return fmt.Errorf("remove the user: %w", err)
	}
	return nil
}

func (o *ObjectStore) removePolicy(ctx context.Context, b Bucket) error {
	err := o.admin(ctx, http.MethodDelete, "remove-canned-policy", url.Values{"name": {b.User}}, nil, nil)
	if err != nil && !isAdminError(err, "XMinioAdminNoSuchPolicy") {
		return fmt.Errorf("remove the policy: %w", err)
	}
	return nil
}

func plain(v any) body  { return func(string) ([]byte, error) { return json.Marshal(v) } }
func secret(v any) body { return func(key string) ([]byte, error) { return seal(key, v) } }
