package controllers

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// refusal says why a vault cannot go on until somebody changes something, in the words of a condition.
type refusal struct {
	reason  string
	message string
}

func (r *refusal) Error() string { return r.reason + ": " + r.message }

// editable reports that nothing but an edit of the vault, or of its class, gets it further; both are watched. The rest may
// change unseen, and is looked at again.
func (r *refusal) editable() bool {
	switch r.reason {
	case v1alpha1.ReasonInvalidSpec, v1alpha1.ReasonImageNotAllowed, v1alpha1.ReasonNotAllowed, v1alpha1.ReasonLimitExceeded,
		v1alpha1.ReasonMigrationFailed:
		return true
	}
	return false
}

func refuse(reason, format string, args ...any) *refusal {
	return &refusal{reason: reason, message: fmt.Sprintf(format, args...)}
}

// classNameOf returns the class of a vault: the one that it is bound to, that it names, or the default. A changed default
// moves nobody.
// Errors: *refusal.
func (r *DocVaultReconciler) classNameOf(ctx context.Context, vault *v1alpha1.DocVault, bound *ledger) (string, error) {
	named := vault.Spec.ClassName
	switch {
	case bound != nil && named != "" && named != bound.Class:
		return "", refuse(v1alpha1.ReasonInvalidSpec,
			"the data of this vault lives in class %s: set spec.className to it, or leave it out", bound.Class)
	case bound != nil:
		return bound.Class, nil
	case named != "":
		return named, nil
	}
	return r.defaultClass(ctx)
}

func (r *DocVaultReconciler) defaultClass(ctx context.Context) (string, error) {
	classes := &v1alpha1.DocVaultClassList{}
	if err := r.List(ctx, classes); err != nil {
		return "", fmt.Errorf("list classes: %w", err)
	}
	var defaults []string
	for _, class := range classes.Items {
		if class.Annotations[v1alpha1.AnnotationDefaultClass] == "true" {
			defaults = append(defaults, class.Name)
		}
	}
	switch len(defaults) {
	case 0:
		return "", refuse(v1alpha1.ReasonNoClass,
			"set spec.className, or mark a DocVaultClass as default with the annotation %s", v1alpha1.AnnotationDefaultClass)
	case 1:
		return defaults[0], nil
	}
	return "", refuse(v1alpha1.ReasonSeveralDefaultClasses,
		"the classes %s are all marked default: set spec.className, or leave one of them marked", strings.Join(defaults, ", "))
}

// readClass returns a class. That it does not exist is asked of the API server: of several installations in a cluster, one
// whose cache is late must not speak for another's class.
// Errors: *refusal.
func (r *DocVaultReconciler) readClass(ctx context.Context, name string) (*v1alpha1.DocVaultClass, error) {
	class := &v1alpha1.DocVaultClass{}
	key := client.ObjectKey{Name: name}
	err := r.Get(ctx, key, class)
	if apierrors.IsNotFound(err) {
		err = r.live.Get(ctx, key, class)
	}
	if apierrors.IsNotFound(err) {
		return nil, refuse(v1alpha1.ReasonClassNotFound, "there is no DocVaultClass %s: create it, or name another", name)
	}
	if err != nil {
		return nil, fmt.Errorf("read class: %w", err)
	}
	return class, nil
}
