package desired

import (
	"path"
	"strings"

	"github.com/docvault/docvault/api/v1alpha1"
)

// Image returns the runtime image of a vault: its own, or its class's.
func Image(vault *v1alpha1.DocVault, class *v1alpha1.DocVaultClass) string {
	if vault.Spec.Image != "" {
		return vault.Spec.Image
	}
	return class.Spec.Runtime.Image
}

// ImageAllowed reports whether a class lets its vaults run an image: its own, or one that matches a pattern in allow.images.
func ImageAllowed(class *v1alpha1.DocVaultClass, image string) bool {
	if image == class.Spec.Runtime.Image {
		return true
	}
	for _, pattern := range class.Spec.Allow.Images {
		if matched, err := path.Match(pattern, image); err == nil && matched {
			return true
		}
	}
	return false
}

// Version returns what an image calls its version: its tag, else its digest, else latest.
func Version(image string) string {
	name, digest, hasDigest := strings.Cut(image, "@")
	last := name[strings.LastIndex(name, "/")+1:] // a registry's port comes before the last slash
	if _, tag, hasTag := strings.Cut(last, ":"); hasTag {
		return tag
	}
	if hasDigest {
		return digest
	}
	return "latest"
}
