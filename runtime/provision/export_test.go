package provision

import (
	"context"
	"net/http"
	"net/url"
)

// MintAs tries to make an access key for a user ("" for the caller's own), with a key as the caller.
func (o *ObjectStore) MintAs(ctx context.Context, k Key, user string, minted Key) error {
	account := map[string]string{"accessKey": minted.AccessKey, "secretKey": minted.SecretKey, "targetUser": user, "name": "minted"}
	return o.adminAs(ctx, k, http.MethodPut, "add-service-account", nil, secret(account), nil)
}

// AdminAs calls the admin API with a key as the caller.
func (o *ObjectStore) AdminAs(ctx context.Context, k Key, method, call string, query url.Values, content any) error {
	return o.adminAs(ctx, k, method, call, query, secret(content), nil)
}

// WritePolicy writes a policy as the admin.
func (o *ObjectStore) WritePolicy(ctx context.Context, name string, policy any) error {
	return o.admin(ctx, http.MethodPut, "add-canned-policy", url.Values{"name": {name}}, plain(policy), nil)
}

// JoinGroup makes a user a member of a group, which it makes.
func (o *ObjectStore) JoinGroup(ctx context.Context, group, user string) error {
	change := map[string]any{"group": group, "members": []string{user}}
	return o.admin(ctx, http.MethodPut, "update-group-members", nil, plain(change), nil)
}
