package controllers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/controllers/desired"
)

// retryMigration is how long a migration that gave up is left alone before it is tried again: its Job has already tried for
// some minutes, and an outage is waited for here.
const retryMigration = time.Minute

// logEnd is how much of the end of a migration's log a condition holds, in bytes.
const logEnd = 1024

// migrate lets the pods of the spec's image start only when the schema is theirs. Those that run go on meanwhile.
func (p *pass) migrate(ctx context.Context) (time.Duration, error) {
	wait, err := p.migrateSchema(ctx)
	if wait > 0 || err != nil {
		err = errors.Join(err, p.serveOn(ctx))
	}
	return wait, err
}

func (p *pass) migrateSchema(ctx context.Context) (time.Duration, error) {
	wanted := desired.MigrationJob(p.input)
	name := *wanted.Name
	job := p.observed.job(name)
	p.wanted[childKeyOf(wanted)] = true
	if err := p.supersedeMigrations(ctx, name); err != nil {
		return 0, err
	}
	switch {
	case p.migrated(name):
		return 0, p.tellMigrated()
	case p.vault.Spec.Suspend && p.ledger.MigratedJob != "" && (job == nil || jobCondition(job, batchv1.JobComplete) == nil):
		p.tellUnmigrated(job)
		return 0, nil
	case job == nil:
		p.doing = "the migration runs"
		p.set(v1alpha1.ConditionMigrated, p.migrationRuns("Job "+name+" was started"))
		return patience, p.apply(ctx, wanted)
	}
	if err := p.mustOwn(job); err != nil {
		return 0, fmt.Errorf("migrate: Job %s: %w", name, err)
	}
	return p.followMigration(ctx, job)
}

// migrated reports that the schema is the image's. Another Job for the same image, as another version of the operator may want, is not
// run for its own sake; but of a database that the owner brings the Job's name tells which one it is, and whose login gets its rights.
// Ledgers from before the image was recorded go by the Job's name.
func (p *pass) migrated(job string) bool {
	sameImage := p.ledger.MigratedJob != "" && p.ledger.MigratedImage == desired.Image(p.vault, p.class)
	return p.ledger.MigratedJob == job || (sameImage && !p.ledger.externalPostgres())
}

// tellUnmigrated says that a suspended vault is migrated when it wakes: a changed class would migrate them all at once. What runs already
// goes on to its end.
func (p *pass) tellUnmigrated(job *batchv1.Job) {
	if job != nil && jobCondition(job, batchv1.JobFailed) == nil {
		p.set(v1alpha1.ConditionMigrated, p.migrationRuns("Job "+job.Name+" runs"))
		return
	}
	p.set(v1alpha1.ConditionMigrated, isFalse(v1alpha1.ReasonSuspended,
		"the schema is not the image's yet; it is migrated when the vault wakes"))
}

func (p *pass) tellMigrated() error {
	p.set(v1alpha1.ConditionMigrated, isTrue(v1alpha1.ReasonMigrationSucceeded, "the schema is the one that the image wants"))
	if p.ledger.SchemaVersion == "" {
		return nil
	}
	version, err := strconv.ParseInt(p.ledger.SchemaVersion, 10, 64)
	if err != nil {
		return fmt.Errorf("read the schema's version in the ledger: %w", err)
	}
	p.vault.Status.SchemaVersion = version
	return nil
}

// supersedeMigrations removes the Jobs of specs that hold no more and have not succeeded: one that runs would hold up the one that is
// wanted, and go on to a schema that nobody asks for.
func (p *pass) supersedeMigrations(ctx context.Context, wanted string) error {
	for key, child := range p.observed.children {
		job, is := child.(*batchv1.Job)
		if !is || job.Name == wanted || jobCondition(job, batchv1.JobComplete) != nil ||
			!job.DeletionTimestamp.IsZero() || !metav1.IsControlledBy(job, p.vault) {
			continue
		}
		if err := p.remove(ctx, job); err != nil {
			return fmt.Errorf("remove superseded Job %s: %w", key.name, err)
		}
	}
	return nil
}

// followMigration acts on how far a migration Job has come. Its success is recorded before it is gone after its TTL.
func (p *pass) followMigration(ctx context.Context, job *batchv1.Job) (time.Duration, error) {
	failed := jobCondition(job, batchv1.JobFailed)
	switch {
	case jobCondition(job, batchv1.JobComplete) != nil:
		if err := p.recordMigration(ctx, job); err != nil {
			return 0, err
		}
		return 0, p.tellMigrated()
	case failed == nil:
		p.doing = "the migration runs"
		hindered, err := p.hindered(ctx, job)
		p.set(v1alpha1.ConditionMigrated, p.migrationRuns("Job "+job.Name+" runs"+hindered))
		return patience, err
	}
	said, err := p.lastWords(ctx, job)
	if err != nil {
		return 0, err
	}
	if failed.Reason == batchv1.JobReasonPodFailurePolicy {
		gaveUp := refuse(v1alpha1.ReasonMigrationFailed,
			"the migration cannot succeed as it is: %s. Change the spec, or delete Job %s to try again", said, job.Name)
		p.set(v1alpha1.ConditionMigrated, isFalse(gaveUp.reason, gaveUp.message))
		return 0, gaveUp
	}
	return p.retryMigration(ctx, job, failed.LastTransitionTime.Time, said)
}

// hindered says why no pod of a migration runs that has had a while to start; nothing, when one does.
func (p *pass) hindered(ctx context.Context, job *batchv1.Job) (string, error) {
	started := job.Status.StartTime
	if started == nil || time.Since(started.Time) < patience/2 || (job.Status.Ready != nil && *job.Status.Ready > 0) {
		return "", nil
	}
	pods, err := p.podsOf(ctx, job)
	if err != nil {
		return "", err
	}
	if len(pods) == 0 {
		return ", and no pod of it could be made: see `kubectl describe job/" + job.Name + "`", nil
	}
	for _, pod := range pods {
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
				return ", and no node takes its pod: " + endOf(c.Message, logEnd), nil
			}
		}
		for _, container := range pod.Status.ContainerStatuses {
			switch waits := container.State.Waiting; {
			case waits == nil:
			case waits.Reason == "ErrImagePull", waits.Reason == "ImagePullBackOff", waits.Reason == "InvalidImageName":
				return ", and image " + container.Image + " cannot be pulled: correct it, or class and registry", nil
			case waits.Reason == "CreateContainerConfigError":
				return ", and its pod cannot start: " + endOf(waits.Message, logEnd), nil
			}
		}
	}
	return "", nil
}

// recordMigration keeps what a migration that succeeded came to. Images from before migrations told their result leave the version
// as it was.
func (p *pass) recordMigration(ctx context.Context, job *batchv1.Job) error {
	message, err := p.terminationMessage(ctx, job)
	if err != nil {
		return err
	}
	var result struct {
		SchemaVersion int64 `json:"schemaVersion"`
	}
	if json.Unmarshal([]byte(message), &result) == nil && result.SchemaVersion > 0 {
		p.ledger.SchemaVersion = strconv.FormatInt(result.SchemaVersion, 10)
	}
	p.ledger.MigratedJob, p.ledger.MigratedImage = job.Name, job.Spec.Template.Spec.Containers[0].Image
	return p.updateLedger(ctx, p.ledger)
}

// migrationRuns tells a migration's first try from those after a failure.
func (p *pass) migrationRuns(message string) verdict {
	known := meta.FindStatusCondition(p.vault.Status.Conditions, v1alpha1.ConditionMigrated)
	if known != nil && known.Reason == v1alpha1.ReasonMigrationRetrying && known.ObservedGeneration == p.vault.Generation {
		return isFalse(v1alpha1.ReasonMigrationRetrying, message+", after one that failed")
	}
	return isFalse(v1alpha1.ReasonMigrationRunning, message)
}

func (p *pass) retryMigration(ctx context.Context, job *batchv1.Job, failedAt time.Time, said string) (time.Duration, error) {
	p.doing = "the migration failed and is tried again"
	retrying := isFalse(v1alpha1.ReasonMigrationRetrying,
		fmt.Sprintf("Job %s failed and is tried again within %s: %s", job.Name, retryMigration, said))
	if rest := time.Until(failedAt.Add(retryMigration)); rest > 0 {
		p.set(v1alpha1.ConditionMigrated, retrying)
		return rest, nil
	}
	// Before it goes: without the Job, the status alone knows that there was a failure, and this pass may be overtaken.
	if err := p.tell(ctx, func(*v1alpha1.DocVaultStatus) { p.set(v1alpha1.ConditionMigrated, retrying) }); err != nil {
		return 0, err
	}
	if err := p.remove(ctx, job); err != nil {
		return 0, fmt.Errorf("remove the failed migration: %w", err)
	}
	return time.Second, nil
}

// lastWords returns the end of a failed migration's log, for a condition.
func (p *pass) lastWords(ctx context.Context, job *batchv1.Job) (string, error) {
	message, err := p.terminationMessage(ctx, job)
	if err != nil {
		return "", err
	}
	if message = endOf(message, logEnd); message == "" {
		return "see `kubectl logs job/" + job.Name + "`", nil
	}
	return "its log ends with " + message, nil
}

// endOf returns up to n bytes of the end of a text, as whole letters in one line.
func endOf(text string, n int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	text = strings.TrimSpace(text)
	if len(text) > n {
		text = text[len(text)-n:]
		for text != "" && !utf8.RuneStart(text[0]) {
			text = text[1:]
		}
	}
	return text
}

// terminationMessage returns what the last pod of a Job left when it ended: its result, or the end of its log. Empty when there is none.
func (p *pass) terminationMessage(ctx context.Context, job *batchv1.Job) (string, error) {
	pods, err := p.podsOf(ctx, job)
	if err != nil {
		return "", err
	}
	var message string
	var last time.Time
	for _, pod := range pods {
		for _, container := range pod.Status.ContainerStatuses {
			ended := container.State.Terminated
			if ended != nil && ended.Message != "" && !ended.FinishedAt.Time.Before(last) {
				message, last = ended.Message, ended.FinishedAt.Time
			}
		}
	}
	return message, nil
}

// podsOf returns the pods that a Job has made.
func (p *pass) podsOf(ctx context.Context, job *batchv1.Job) ([]corev1.Pod, error) {
	pods := &corev1.PodList{}
	if err := p.live.List(ctx, pods, client.InNamespace(job.Namespace), client.MatchingLabels{batchv1.JobNameLabel: job.Name}); err != nil {
		return nil, fmt.Errorf("list the migration's pods: %w", err)
	}
	return slices.DeleteFunc(pods.Items, func(pod corev1.Pod) bool { return !metav1.IsControlledBy(&pod, job) }), nil
}

func jobCondition(job *batchv1.Job, kind batchv1.JobConditionType) *batchv1.JobCondition {
	for i := range job.Status.Conditions {
		if c := &job.Status.Conditions[i]; c.Type == kind && c.Status == corev1.ConditionTrue {
			return c
		}
	}
	return nil
}

// workersComeFirst reports that the API is to run another image, and the workers are not all there with it.
func (p *pass) workersComeFirst() bool {
	api, worker := p.observed.deployment(p.childName(v1alpha1.ComponentAPI)), p.observed.deployment(p.childName(v1alpha1.ComponentWorker))
	workerIsNew := worker != nil && p.runs(worker, desired.Worker(p.input))
	if api == nil || p.runs(api, desired.API(p.input)) || (workerIsNew && rolledOut(worker)) {
		return false
	}
	p.doing = "the workers of the new version are rolled out; the API follows"
	if workerIsNew && gaveUp(worker) {
		p.heldUp = "the new version's workers do not come up, the API serves at the old one: " +
			"see `kubectl describe deployment " + worker.Name + "`"
		p.doing = p.heldUp
	}
	return true
}

// runs reports that a Deployment has the vault's image, or what the API server makes of it.
func (p *pass) runs(live *appsv1.Deployment, role desired.Role) bool {
	if imageOf(live) == desired.Image(p.vault, p.class) {
		return true
	}
	settled, err := p.settledAs(live, desired.Deployment(p.input, role))
	return err == nil && settled
}

func imageOf(d *appsv1.Deployment) string { return d.Spec.Template.Spec.Containers[0].Image }
