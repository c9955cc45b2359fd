package desired

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	metaac "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/docvault/docvault/api/v1alpha1"
)

// Names of a vault's objects that do not depend on their content.
func runtimeName(in Input) string { return in.Vault.Name + "-runtime" }
func migrateName(in Input) string { return in.Vault.Name + "-migrate" }
func accessName(in Input) string  { return in.Vault.Name + "-access" }
func redisName(in Input) string   { return in.Vault.Name + "-redis" }
func apiName(in Input) string     { return in.Vault.Name + "-api" }
func metricsName(in Input) string { return in.Vault.Name + "-metrics" }

// selector returns the labels that tell a component's pods from all others. Selectors are immutable: so is this.
func selector(in Input, component string) map[string]string {
	return map[string]string{
		v1alpha1.LabelName:      v1alpha1.AppName,
		v1alpha1.LabelInstance:  in.Vault.Name,
		v1alpha1.LabelComponent: component,
	}
}

// labels returns the labels of a component's objects.
func labels(in Input, component string) map[string]string {
	all := maps.Clone(selector(in, component))
	all[v1alpha1.LabelManagedBy] = v1alpha1.ManagedBy
	return all
}

// owner returns the reference by which the vault controls its objects: they go with it.
func owner(in Input) *metaac.OwnerReferenceApplyConfiguration {
	return metaac.OwnerReference().
		WithAPIVersion(v1alpha1.GroupVersion.String()).
		WithKind("DocVault").
		WithName(in.Vault.Name).
		WithUID(in.Vault.UID).
		WithController(true).
		WithBlockOwnerDeletion(true)
}

// hashOf returns ten letters, 50 bits, that change with the content. Equal content has an equal hash in every process: JSON
// sorts the keys of maps.
func hashOf(content any) string {
	text, err := json.Marshal(content)
	if err != nil {
		panic(fmt.Sprintf("hash of %T: %v", content, err)) // apply configurations and maps of strings always encode
	}
	sum := sha256.Sum256(text)
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:10]
}
