package controllers_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/docvault/docvault/api/v1alpha1"
)

// The operator is killed again and again, after some effect or at some moment, while vaults are made, changed, written to, deleted with
// either policy and made again. Every one ends as its last spec says, no credential has changed, and nothing is left of what was deleted.
// CONTRIBUTING.md says how it is run for longer.
func TestOperatorsAreKilledWhileVaultsComeAndGo(t *testing.T) {
	t.Parallel()
	seed := setting(t, "CHAOS_SEED", time.Now().UnixNano())
	length := time.Duration(setting(t, "CHAOS_SECONDS", 20)) * time.Second
	vaults := setting(t, "CHAOS_VAULTS", 6)
	t.Logf("CHAOS_SEED=%d CHAOS_SECONDS=%.0f CHAOS_VAULTS=%d", seed, length.Seconds(), vaults)

	c := &chaos{installation: install(t), random: rand.New(rand.NewPCG(uint64(seed), 0)), done: map[string]int{}}
	c.allowing()
	c.effects.setInstalled(gatewayAPI, true)
	c.effects.setInstalled(keda, true)
	for range vaults {
		c.places = append(c.places, &place{vault: named(&v1alpha1.DocVault{}, c.newNamespace("tenant"), "acme")})
	}
	c.run(length)
	t.Logf("done: %v", c.done)
	c.settle()
	c.check()
}

// setting reads a number from the environment.
func setting(t testing.TB, name string, otherwise int64) int64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// chaos is an installation whose operators are killed while somebody changes the vaults.
type chaos struct {
	*installation
	random *rand.Rand
	places []*place
	done   map[string]int
}

// place is a namespace in which a vault comes and goes, and what is expected of it.
type place struct {
	vault  *v1alpha1.DocVault // as it was last seen; its name stays
	step   int                // of the walk, which its spec is of
	stage  stage
	taken  bool           // a vault that goes had been taken up by an operator
	ledger *corev1.Secret // as it was first seen, nil while there is none
	words  []string       // what was written into the vault, and has to be there for as long as its data
}

type stage int

const (
	absent stage = iota
	live
	going
)

// run has one operator after another live for a while.
func (c *chaos) run(length time.Duration) {
	over := time.After(length)
	for {
		// Some die of an effect; the work on a new vault takes about fifty.
		c.effects.restart(c.random.IntN(2) * (1 + c.random.IntN(20*len(c.places))))
		c.begin()
		killed := c.live(over, time.After(time.Duration(c.random.Int64N(int64(5*time.Second)))))
		c.effects.cutOff()
		c.stop()
		if !killed {
			return
		}
		c.done["operators killed"]++
		for range c.random.IntN(4) {
			c.act()
		}
	}
}

// begin starts an operator and waits until it works: before that it changes nothing, and a manager that is cut off from the API server
// meanwhile never ends.
func (c *chaos) begin() {
	c.start()
	select {
	case <-c.working:
	case <-time.After(patience):
		c.t.Fatal("the operator does not come to work")
	}
}

// live changes vaults until the operator is dead, or all is over; it returns whether the operator is dead.
func (c *chaos) live(over, death <-chan time.Time) bool {
	for {
		select {
		case <-over:
			return false
		case <-death:
			return true
		case <-c.effects.whenCut():
			return true
		case <-time.After(time.Duration(c.random.ExpFloat64() * float64(300*time.Millisecond))):
			c.act()
		}
	}
}

// act does something somewhere.
func (c *chaos) act() {
	p := c.places[c.random.IntN(len(c.places))]
	switch p.stage {
	case absent:
		c.make(p)
	case going:
		c.look(p)
	case live:
		c.see(p)
		switch n := c.random.IntN(10); {
		case n < 5:
			c.change(p)
		case n < 7:
			c.write(p)
		default:
			c.delete(p)
		}
	}
}

// draw returns a spec of the walk, with a policy of its own.
func (c *chaos) draw(p *place) v1alpha1.DocVaultSpec {
	p.step = c.random.IntN(len(walk))
	spec := c.specOf(walk[p.step].name, walk[p.step].spec)
	spec.DeletionPolicy = v1alpha1.DeletionRetain
	if c.random.IntN(2) == 0 {
		spec.DeletionPolicy = v1alpha1.DeletionDelete
	}
	return spec
}

func (c *chaos) make(p *place) {
	p.vault = c.newVaultIn(p.vault.Namespace, p.vault.Name)
	p.vault.Spec = c.draw(p)
	c.create(p.vault)
	p.stage = live
	c.done["made"]++
	if p.ledger != nil {
		c.done["made on retained data"]++
	}
}

func (c *chaos) change(p *place) {
	c.get(p.vault, p.vault.Namespace, p.vault.Name)
	spec := c.draw(p)
	c.edit(p.vault, func() { p.vault.Spec = spec })
	c.done["changed"]++
}

// write puts a word into the bucket and the database of a vault that has both.
func (c *chaos) write(p *place) {
	if p.ledger == nil || !wasMade(c.ledger(p.vault)) {
		return
	}
	word := unique("word")
	store := storeClient(c.t, string(p.ledger.Data["accessKey"]), string(p.ledger.Data["secretAccessKey"]))
	_, err := store.PutObject(c.t.Context(), string(p.ledger.Data["bucket"]), word, strings.NewReader(word), int64(len(word)), minio.PutObjectOptions{})
	if err != nil {
		c.t.Errorf("write into the bucket of %s: %v", p.vault.Namespace, err)
		return
	}
	conn, err := openSession(c.t, p.ledger, "migrate")
	if err != nil {
		c.t.Errorf("write into the database of %s: %v", p.vault.Namespace, err)
		return
	}
	defer conn.Close(c.t.Context())
	execSQL(c.t, conn, "CREATE TABLE IF NOT EXISTS words (word text)")
	execSQL(c.t, conn, "INSERT INTO words VALUES ($1)", word)
	p.words = append(p.words, word)
	c.done["written"]++
}

// wasMade reports that a ledger's database and bucket are there.
func wasMade(ledger *corev1.Secret) bool {
	return len(ledger.Data["databaseMade"]) > 0 && len(ledger.Data["bucketMade"]) > 0
}

// delete deletes just the version that it has looked at: it knows whether an operator has taken the vault up.
func (c *chaos) delete(p *place) {
	eventually(c.t, patience, func(ctx context.Context) error {
		if err := c.kube.Get(ctx, client.ObjectKeyFromObject(p.vault), p.vault); err != nil {
			return err
		}
		p.taken = controllerutil.ContainsFinalizer(p.vault, v1alpha1.Finalizer)
		return c.kube.Delete(ctx, p.vault, client.Preconditions{ResourceVersion: &p.vault.ResourceVersion})
	})
	p.stage = going
	c.done["deleted with "+string(p.vault.Spec.DeletionPolicy)]++
}

// see makes sure that the credentials of a place are those that were seen first.
func (c *chaos) see(p *place) {
	ledgers := c.ledgers(p.vault)
	switch {
	case len(ledgers) > 1:
		c.t.Fatalf("%s has %d ledgers", p.vault.Namespace, len(ledgers))
	case len(ledgers) == 0 && p.ledger != nil:
		c.t.Fatalf("the ledger of %s is gone", p.vault.Namespace)
	case len(ledgers) == 0:
	case p.ledger == nil:
		p.ledger = &ledgers[0]
	default:
		if err := sameCredentials(p.ledger, &ledgers[0]); err != nil {
			c.t.Errorf("%s: %v", p.vault.Namespace, err)
		}
	}
}

// look finds out whether a vault that was deleted is gone, and what it has left then.
func (c *chaos) look(p *place) {
	err := c.kube.Get(c.t.Context(), client.ObjectKeyFromObject(p.vault), &v1alpha1.DocVault{})
	if err == nil {
		return
	}
	if !apierrors.IsNotFound(err) {
		c.t.Fatal(err)
	}
	p.stage = absent
	if p.taken && p.vault.Spec.DeletionPolicy == v1alpha1.DeletionDelete {
		c.mustBeGone(p.vault, p.ledger)
		p.ledger, p.words = nil, nil
		return
	}
	c.see(p)
	c.mustBeRetained(p)
}

// mustBeRetained makes sure that of a vault which was deleted its data are there and nothing else. One that was deleted before it had
// come far may have none.
func (c *chaos) mustBeRetained(p *place) {
	if p.ledger == nil {
		c.mustBeGone(p.vault, nil)
		return
	}
	if left := c.inside(p.vault); len(left) > 0 {
		c.t.Errorf("%s: left in the namespace: %s", p.vault.Namespace, strings.Join(left, ", "))
	}
	now := c.ledger(p.vault)
	if state := string(now.Data["state"]); state != "released" {
		c.t.Errorf("%s: the ledger is %s, want released", p.vault.Namespace, state)
	}
	if wasMade(now) {
		c.mustHold(p)
	}
}

// mustHold makes sure that the credentials of a place work, and that its data are what was written, exactly.
func (c *chaos) mustHold(p *place) {
	mustWork(c.t, p.ledger)
	id := c.identityOf(p.vault)
	if made, want := c.outside(p.vault), everythingOutside(id); !slices.Equal(made, want) {
		c.t.Errorf("%s: on the backends are %q, want %q", p.vault.Namespace, made, want)
	}
	var objects []string
	for object := range storeAdmin(c.t).ListObjects(c.t.Context(), string(p.ledger.Data["bucket"]), minio.ListObjectsOptions{Recursive: true}) {
		objects = append(objects, object.Key)
	}
	want := slices.Sorted(slices.Values(p.words))
	if !slices.Equal(objects, want) {
		c.t.Errorf("%s: the bucket holds %q, want %q", p.vault.Namespace, objects, want)
	}
	if rows := c.rows(p); !slices.Equal(rows, want) {
		c.t.Errorf("%s: the database holds %q, want %q", p.vault.Namespace, rows, want)
	}
}

// rows are the words in the database, as the app's login reads them.
func (c *chaos) rows(p *place) []string {
	if len(p.words) == 0 { // nor is there a table
		return nil
	}
	conn, err := openSession(c.t, p.ledger, "app")
	if err != nil {
		c.t.Error(err)
		return nil
	}
	defer conn.Close(c.t.Context())
	return sqlNames(c.t, conn, "SELECT word FROM words")
}

// settle waits, with an operator that lives, until every vault is what its spec says, or gone.
func (c *chaos) settle() {
	c.effects.restart(0)
	c.start()
	eventually(c.t, 5*time.Minute, func(ctx context.Context) error {
		var errs []error
		for _, p := range c.places {
			if p.stage == going {
				c.look(p)
			}
			switch p.stage {
			case going:
				errs = append(errs, fmt.Errorf("%s is not gone", p.vault.Namespace))
			case live:
				errs = append(errs, c.isSettled(ctx, p.vault))
			case absent:
			}
		}
		return errors.Join(errs...)
	})
}

func (c *chaos) isSettled(ctx context.Context, vault *v1alpha1.DocVault) error {
	if err := c.kube.Get(ctx, client.ObjectKeyFromObject(vault), vault); err != nil {
		return err
	}
	conditions := vault.Status.Conditions
	if vault.Status.ObservedGeneration != vault.Generation || !meta.IsStatusConditionFalse(conditions, v1alpha1.ConditionReconciling) ||
		meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionReady) == vault.Spec.Suspend {
		return fmt.Errorf("%s is not settled: %s", vault.Namespace, describe(conditions))
	}
	return nil
}

// check compares everything that there is with what there should be.
func (c *chaos) check() {
	var all []*v1alpha1.DocVault
	fresh, ledgers := map[int]*v1alpha1.DocVault{}, 0
	for _, p := range c.places {
		c.see(p)
		if p.ledger != nil {
			ledgers++
		}
		if p.stage != live {
			c.mustBeRetained(p)
			continue
		}
		all = append(all, p.vault)
		c.mustHold(p)
		if fresh[p.step] == nil {
			fresh[p.step] = c.newVault(p.vault.Name)
			fresh[p.step].Spec = p.vault.Spec
			c.create(fresh[p.step])
		}
	}
	all = slices.AppendSeq(all, maps.Values(fresh))
	eventually(c.t, 5*time.Minute, func(ctx context.Context) error {
		var errs []error
		for _, vault := range all {
			errs = append(errs, c.isSettled(ctx, vault))
		}
		return errors.Join(errs...)
	})
	for _, p := range c.places {
		if p.stage == live {
			c.mustBeAlike(walk[p.step].name, p.vault, fresh[p.step])
		}
	}
	secrets := &corev1.SecretList{}
	if err := c.kube.List(c.t.Context(), secrets, client.InNamespace(c.namespace)); err != nil {
		c.t.Fatal(err)
	}
	if is, want := len(secrets.Items), 2+ledgers+len(fresh); is != want { // two are the admins'
		c.t.Errorf("%d Secrets are in the operator's namespace, want %d", is, want)
	}
	c.stop()
	c.effects.restart(0)
	c.start()
	c.awaitNoWrites("after all", all...)
	eventually(c.t, patience, func(ctx context.Context) error {
		err := c.kube.Get(ctx, client.ObjectKeyFromObject(c.class), c.class)
		if is := int(c.class.Status.Vaults); err == nil && is != len(all) {
			return fmt.Errorf("%d vaults hold the class, want %d", is, len(all))
		}
		return err
	})
}

// mustBeAlike compares a vault with a fresh one of its spec.
func (c *chaos) mustBeAlike(step string, vault, fresh *v1alpha1.DocVault) {
	is, want := c.anatomy(vault), c.anatomy(fresh)
	for name := range maps.Keys(want) {
		if is[name] != want[name] {
			c.t.Errorf("%s, %s: %s is\n%s\nof a fresh vault\n%s", vault.Namespace, step, name, is[name], want[name])
		}
		delete(is, name)
	}
	for name := range is {
		c.t.Errorf("%s, %s: a fresh vault has no %s", vault.Namespace, step, name)
	}
}

var (
	contentHash = regexp.MustCompile(`(-runtime-|"` + regexp.QuoteMeta(v1alpha1.AnnotationRuntimeSecret) + `":")[a-z2-7]{10}`)
	// The size of its pools depends on how many vaults there were when it was made.
	poolSize = regexp.MustCompile(`pool_max_conns=\d+\\u0026`)
)

// anatomy returns the objects that a vault is made of, by kind and name, without what tells it from other vaults of its spec.
func (i *installation) anatomy(vault *v1alpha1.DocVault) map[string]string {
	i.t.Helper()
	ledger := i.ledger(vault)
	replace := []string{vault.Namespace, "NAMESPACE", string(ledger.Data["identity"]), "IDENTITY"}
	for _, key := range []string{
		"migratePassword", "appPassword", "accessKey", "secretAccessKey", "redisPassword", "redisAdminPassword", "secretKey", "token",
	} {
		value := ledger.Data[key]
		replace = append(replace, string(value), key, fmt.Sprintf("%x", sha256.Sum256(value)), "hash of "+key)
	}
	names := strings.NewReplacer(replace...)
	anonymous := func(text string) string {
		return poolSize.ReplaceAllString(contentHash.ReplaceAllString(names.Replace(text), "${1}HASH"), "")
	}
	all := map[string]string{}
	for _, list := range childLists() {
		for _, object := range i.listMade(vault.Namespace, list) {
			if !metav1.IsControlledBy(object, vault) {
				i.t.Errorf("%T %s is not the vault's", object, object.GetName())
			}
			name := fmt.Sprintf("%T %s", object, object.GetName())
			forgetChosen(object, vault)
			all[anonymous(name)] = anonymous(substance(i.t, object))
		}
	}
	return all
}

// forgetChosen removes what the cluster chooses for an object, and has the data of Secrets be read.
func forgetChosen(object client.Object, vault *v1alpha1.DocVault) {
	switch o := object.(type) {
	case *corev1.Secret:
		o.StringData = map[string]string{}
		for key, value := range o.Data {
			o.StringData[key] = string(value)
		}
		o.Data = nil
	case *corev1.Service:
		if o.Spec.ClusterIP != corev1.ClusterIPNone {
			o.Spec.ClusterIP, o.Spec.ClusterIPs = "", nil
		}
		for n := range o.Spec.Ports {
			o.Spec.Ports[n].NodePort = min(o.Spec.Ports[n].NodePort, 1)
		}
	case *appsv1.Deployment:
		scaled := map[string]bool{
			vault.Name + "-api": vault.Spec.API.Autoscaling != nil, vault.Name + "-worker": vault.Spec.Worker.Autoscaling != nil,
		}
		if scaled[o.Name] && !vault.Spec.Suspend {
			o.Spec.Replicas = nil
		}
	}
}
