package desired

import (
	"strings"

	"github.com/docvault/docvault/api/v1alpha1"
)

// HostOf returns the host that a class's template makes for a vault, empty when there is no template.
func HostOf(template string, vault *v1alpha1.DocVault) string {
	return strings.NewReplacer("{name}", vault.Name, "{namespace}", vault.Namespace).Replace(template)
}
