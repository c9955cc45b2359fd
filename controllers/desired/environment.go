package desired

import (
	"maps"
	"slices"

	coreac "k8s.io/client-go/applyconfigurations/core/v1"
)

// environment returns variables in the order of their names: the same every time.
func environment(values map[string]string) []*coreac.EnvVarApplyConfiguration {
	var env []*coreac.EnvVarApplyConfiguration
	for _, name := range slices.Sorted(maps.Keys(values)) {
		env = append(env, coreac.EnvVar().WithName(name).WithValue(values[name]))
	}
	return env
}

func valueOr(set *int32, otherwise int32) int32 {
	if set == nil {
		return otherwise
	}
	return *set
}
