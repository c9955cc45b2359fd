package controllers

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// identityBytes is 80 bits: 16 letters in base32, so that no name made from it needs padding or passes 63 letters, and two of a
// million vaults collide with a chance below one in 10^12.
const identityBytes = 10

// identity is what every outside name of a vault derives from. The UIDs cannot be chosen by a tenant, so no name that a tenant
// writes can steer or hit another vault's; a recreated namespace has another identity.
func identity(installation, namespace types.UID, name string) string {
	sum := sha256.Sum256([]byte(string(installation) + "\x00" + string(namespace) + "\x00" + name))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:identityBytes]))
}
