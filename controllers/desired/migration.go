package desired

import (
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	batchac "k8s.io/client-go/applyconfigurations/batch/v1"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/runtime/config"
)

// ExitBadConfiguration is how the runtime ends when trying again cannot help.
const ExitBadConfiguration = 2

const (
	migrateRetries         = 4         // within one Job: 10 s, 20 s, 40 s, 80 s
	migrateDeadlineSeconds = 30 * 60   // for a Job whose pod cannot start, or waits for a lock
	migrateTTLSeconds      = 24 * 3600 // how long a Job, and its log, can be looked at
)

// terminationFile is where the kubelet reads what a container has to say when it ends: the migration's result or, by the policy, the
// end of the log of one that failed.
const terminationFile = "/dev/termination-log"

// MigrationJob returns the Job that brings the database to the schema of the vault's image. A Job's template cannot change, so
// its hash is in the name: whatever changes makes another Job.
func MigrationJob(in Input) *batchac.JobApplyConfiguration {
	template := coreac.PodTemplateSpec().
		WithLabels(labels(in, v1alpha1.ComponentMigrate)).
		WithSpec(migratePod(in))
	if in.Ledger.ExternalPostgres {
		// Another database is to be migrated, too, and asked whose it is; another app login is to get its rights.
		db := in.Ledger.Postgres
		template.WithAnnotations(map[string]string{
			v1alpha1.AnnotationDatabase: hashOf([]string{db.Host, db.Port, db.Database, db.AppLogin}),
		})
	}
	return batchac.Job(migrateName(in)+"-"+hashOf(template), in.Vault.Namespace).
		WithLabels(labels(in, v1alpha1.ComponentMigrate)).
		WithOwnerReferences(owner(in)).
		WithSpec(batchac.JobSpec().
			WithBackoffLimit(migrateRetries).
			WithActiveDeadlineSeconds(migrateDeadlineSeconds).
			WithTTLSecondsAfterFinished(migrateTTLSeconds).
			WithPodFailurePolicy(batchac.PodFailurePolicy().WithRules(
				batchac.PodFailurePolicyRule().
					WithAction(batchv1.PodFailurePolicyActionFailJob).
					WithOnExitCodes(batchac.PodFailurePolicyOnExitCodesRequirement().
						WithContainerName(v1alpha1.ComponentMigrate).
						WithOperator(batchv1.PodFailurePolicyOnExitCodesOpIn).
						WithValues(ExitBadConfiguration)),
				// A pod that was evicted or whose node went away says nothing about the migration.
				batchac.PodFailurePolicyRule().
					WithAction(batchv1.PodFailurePolicyActionIgnore).
					WithOnPodConditions(batchac.PodFailurePolicyOnPodConditionsPattern().
						WithType(corev1.DisruptionTarget).
						WithStatus(corev1.ConditionTrue)))).
			WithTemplate(template))
}

func migratePod(in Input) *coreac.PodSpecApplyConfiguration {
	spec := podSpec(in, coreac.Container().
		WithName(v1alpha1.ComponentMigrate).
		WithImage(Image(in.Vault, in.Class)).
		WithArgs("migrate").
		WithEnv(environment(map[string]string{config.MigrateResultFile: terminationFile})...).
		WithTerminationMessagePath(terminationFile).
		WithTerminationMessagePolicy(corev1.TerminationMessageFallbackToLogsOnError).
		WithEnvFrom(coreac.EnvFromSource().WithSecretRef(coreac.SecretEnvSource().WithName(migrateName(in)))).
		WithResources(resources(corev1.ResourceRequirements{}, "50m", "64Mi", false)))
	if in.Ledger.ExternalPostgres {
		spec.Containers[0].WithEnv(coreac.EnvVar().WithName(config.VaultIdentity).WithValue(in.Ledger.Identity))
	}
	withTmp(spec, resource.MustParse("64Mi"))
	withPostgresCA(in, spec)
	return spec.WithRestartPolicy(corev1.RestartPolicyNever)
}
