package controllers

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/docvault/docvault/api/v1alpha1"
)

// identityText is what identities look like.
var identityText = regexp.MustCompile(`^[a-z2-7]{16}$`)

// claimsAge is how old the adoptions may be by which a vault that has its ledger is judged. One that has none asks anew.
const claimsAge = 15 * time.Second

// adoptions are what docvault.io/adopt on the operator's namespace says.
type adoptions struct {
	mu   sync.Mutex
	text string
	read time.Time
}

// claimFor returns the identity that an administrator claims for a vault, empty when there is none.
// Errors: *refusal, when what stands there cannot be meant.
func claimFor(text, vault string) (string, error) {
	for entry := range strings.FieldsFuncSeq(text, isSeparator) {
		name, claimed, found := strings.Cut(entry, "=")
		switch {
		case name == vault && identityText.MatchString(claimed):
			return claimed, nil
		case name == vault, !found && strings.Contains(entry, vault):
			return "", refuse(v1alpha1.ReasonAdoptionRefused,
				"%s on the operator's namespace says %q: it has to be <namespace>/<name>=<identity>, the identity being the 16 letters "+
					"after dv- in the name of a ledger", v1alpha1.AnnotationAdopt, entry)
		}
	}
	return "", nil
}

// readClaims returns docvault.io/adopt, as it was claimsAge ago at most, or as it is.
func (r *DocVaultReconciler) readClaims(ctx context.Context, now bool) (string, error) {
	r.claims.mu.Lock()
	defer r.claims.mu.Unlock()
	if !now && time.Since(r.claims.read) < claimsAge {
		return r.claims.text, nil
	}
	namespace := &corev1.Namespace{}
	if err := r.live.Get(ctx, client.ObjectKey{Name: r.Namespace}, namespace); err != nil {
		return "", fmt.Errorf("read the operator's namespace: %w", err)
	}
	r.claims.text, r.claims.read = namespace.Annotations[v1alpha1.AnnotationAdopt], time.Now()
	return r.claims.text, nil
}

// findAdoption looks whether an administrator claims a ledger for the vault. It is taken when the vault has none of its own; bind
// stores that, in one write.
func (p *pass) findAdoption(ctx context.Context) (time.Duration, error) {
	text, err := p.readClaims(ctx, p.ledger == nil)
	if err != nil {
		return 0, err
	}
	claimed, err := claimFor(text, p.vault.Namespace+"/"+p.vault.Name)
	switch {
	case err == nil && (claimed == "" || (p.ledger != nil && p.ledger.Identity == claimed)):
		return 0, nil
	case err == nil && p.ledger == nil:
		p.ledger, err = p.adoptable(ctx, claimed)
	case err == nil:
		err = refuse(v1alpha1.ReasonAdoptionRefused, "%s is claimed for a vault that has data of its own, %s: to give these up for it, "+
			"delete the vault with deletionPolicy Delete and apply it again", ledgerName(claimed), ledgerName(p.ledger.Identity))
	}
	if err == nil {
		p.adopting, p.movedTo = true, ""
		return 0, nil
	}
	if p.ledger != nil { // a vault with its own data goes on with them
		p.recorder.Eventf(p.vault, nil, corev1.EventTypeWarning, v1alpha1.ReasonAdoptionRefused, "Adopt", "%v", err)
		return 0, nil
	}
	p.setBackend(v1alpha1.ConditionDatabaseReady, err, "")
	return 0, err
}

// adoptable returns the ledger of an identity, to become this vault's, if nobody uses it.
// Errors: *refusal.
func (p *pass) adoptable(ctx context.Context, claimed string) (*ledger, error) {
	l, err := p.readLedger(ctx, claimed, false)
	if err != nil {
		return nil, err
	}
	if l == nil {
		return nil, refuse(v1alpha1.ReasonAdoptionRefused,
			"%s is claimed for this vault, and there is no such ledger in the operator's namespace: restore that Secret from a backup, "+
				"or take the claim out of the annotation %s there", ledgerName(claimed), v1alpha1.AnnotationAdopt)
	}
	if l.State == stateAbandoned {
		return nil, refuse(v1alpha1.ReasonAdoptionRefused, "%s is of a vault that was deleted with its data", ledgerName(claimed))
	}
	if l.State != stateReleased {
		if used, err := p.inUse(ctx, l); used || err != nil {
			return nil, cmp.Or(err, error(refuse(v1alpha1.ReasonAdoptionRefused,
				"%s is claimed for this vault, and is that of %s/%s, whose namespace is there: "+
					"delete that vault with deletionPolicy Retain first", ledgerName(claimed), l.VaultNamespace, l.VaultName)))
		}
	}
	p.adoptedFrom = l.VaultNamespace + "/" + l.VaultName
	l.Holder, l.VaultNamespace, l.VaultName = p.identity, p.vault.Namespace, p.vault.Name
	return l, nil
}

// inUse reports whether the namespace of a ledger's vault is still there: the same one, not another of its name.
func (p *pass) inUse(ctx context.Context, l *ledger) (bool, error) {
	namespace := &corev1.Namespace{}
	err := p.live.Get(ctx, client.ObjectKey{Name: l.VaultNamespace}, namespace)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read namespace: %w", err)
	}
	return identity(p.Installation, namespace.UID, l.VaultName) == l.holder(), nil
}

// resettle has a ledger that is being adopted live where the vault's class is: the servers of a restored cluster have other
// addresses. Whether the data are there, their marks tell.
func (p *pass) resettle(ctx context.Context) error {
	if err := p.settleOn(ctx, p.ledger); err != nil {
		return err
	}
	return p.tell(ctx, func(s *v1alpha1.DocVaultStatus) { s.ClassName = p.ledger.Class })
}

func (p *pass) tellAdopted() {
	if p.adopting {
		p.recorder.Eventf(p.vault, nil, corev1.EventTypeNormal, v1alpha1.EventAdopted, "Adopt",
			"took over database %s and bucket %s, which were those of %s", p.ledger.Database, p.ledger.Bucket, p.adoptedFrom)
	}
}

// adoptedLedger returns the ledger that a vault, by its identity, has adopted; nil when there is none.
func (r *DocVaultReconciler) adoptedLedger(ctx context.Context, reader client.Reader, identity string) (*ledger, error) {
	secrets := &corev1.SecretList{}
	held := client.MatchingLabels{v1alpha1.LabelHolder: identity}
	if err := reader.List(ctx, secrets, client.InNamespace(r.Namespace), held); err != nil {
		return nil, fmt.Errorf("look for an adopted ledger: %w", err)
	}
	for i := range secrets.Items {
		if l, err := decodeLedger(&secrets.Items[i]); err != nil || l.Holder == identity {
			return l, err
		}
	}
	return nil, nil
}

// recallLedger finds the ledger that the vault has: the one that it adopted, or its own, unless another vault has adopted that.
func (p *pass) recallLedger(ctx context.Context) error {
	held := controllerutil.ContainsFinalizer(p.vault, v1alpha1.Finalizer)
	if held {
		adopted, err := p.adoptedLedger(ctx, p.Client, p.identity)
		if adopted != nil {
			adopted, err = p.readLedger(ctx, adopted.Identity, held) // in the version that holds
		}
		if err != nil || (adopted != nil && adopted.Holder == p.identity) {
			p.ledger = adopted
			return err
		}
	}
	own, err := p.readLedger(ctx, p.identity, held)
	if err != nil {
		return err
	}
	if own != nil && own.holder() == p.identity {
		p.ledger = own
		return nil
	}
	if own != nil {
		p.movedTo = own.VaultNamespace + "/" + own.VaultName
	}
	if !held || own == nil { // the cache may be late by an adoption
		p.ledger, err = p.adoptedLedger(ctx, p.live, p.identity)
	}
	return err
}

// holder is the identity of the vault that the ledger is for.
func (l *ledger) holder() string { return cmp.Or(l.Holder, l.Identity) }
