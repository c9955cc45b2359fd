package controllers_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// What somebody changes on the backends is put right at the next look, and an event says what it was.
func TestDriftOnTheBackendsIsRepairedAndTold(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	database, bucket := vault.Status.Database.Name, vault.Status.Bucket.Name
	admin := postgresAdmin(t)
	for _, tc := range []struct {
		harm func()
		told string
	}{
		{func() { execSQL(t, admin, "ALTER ROLE "+database+"_app_a CREATEDB") }, "role " + database + "_app_a was not NOCREATEDB"},
		{func() { execSQL(t, admin, "GRANT "+database+"_owner TO "+database+"_app_a") }, "was a member of " + database + "_owner"},
		{func() { execSQL(t, admin, "GRANT pg_read_all_data TO "+database+"_app_a") }, "was a member of pg_read_all_data"},
		{func() { execSQL(t, admin, "REVOKE "+database+"_app FROM "+database+"_app_a") }, "was no member of " + database + "_app"},
		{func() { execSQL(t, admin, "DROP ROLE "+database+"_app_a") }, "login " + database + "_app_a was missing"},
		{func() { execSQL(t, admin, "ALTER ROLE "+database+"_migrate_a PASSWORD 'other'") }, "the password of login " + database + "_migrate_a"},
		{func() {
			writeMinIO(t, "add-canned-policy", url.Values{"name": {bucket}}, map[string]any{"Version": "2012-10-17", "Statement": []any{
				map[string]any{"Effect": "Allow", "Action": []string{"s3:*"}, "Resource": []string{"arn:aws:s3:::" + bucket, "arn:aws:s3:::" + bucket + "/*"}},
			}})
		}, "policy " + bucket + " differed"},
		{func() {
			writeMinIO(t, "set-user-status", url.Values{"accessKey": {bucket}, "status": {"disabled"}}, nil)
		}, "user " + bucket + " was disabled"},
	} {
		tc.harm()
		i.anotherPass(vault)
		i.awaitEvent(vault, v1alpha1.EventRepaired, tc.told)
		mustWork(t, i.ledger(vault))
	}
}

// awaitEvent waits for an event about an object whose note holds a text.
func (i *installation) awaitEvent(about client.Object, reason, text string) {
	i.t.Helper()
	eventually(i.t, patience, func(ctx context.Context) error {
		events := &eventsv1.EventList{}
		namespace := cmp.Or(about.GetNamespace(), metav1.NamespaceDefault)
		if err := i.kube.List(ctx, events, client.InNamespace(namespace)); err != nil {
			return err
		}
		var notes []string
		for _, e := range events.Items {
			if e.Regarding.Name != about.GetName() {
				continue
			}
			if e.Reason == reason && strings.Contains(e.Note, text) {
				return nil
			}
			notes = append(notes, e.Reason+": "+e.Note)
		}
		return fmt.Errorf("no event %s says %q; told are %q", reason, text, notes)
	})
}

// writeMinIO calls the admin API with a PUT.
func writeMinIO(t testing.TB, call string, query url.Values, content any) {
	t.Helper()
	var body []byte
	if content != nil {
		var err error
		if body, err = json.Marshal(content); err != nil {
			t.Fatal(err)
		}
	}
	callMinIO(t, http.MethodPut, call, query, bytes.NewReader(body))
}
