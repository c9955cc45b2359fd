package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestWhoHoldsALeaseWorks(t *testing.T) {
	t.Parallel()
	now := time.Now()
	lease := func(holder string, renewed time.Time) *coordinationv1.Lease {
		return &coordinationv1.Lease{Spec: coordinationv1.LeaseSpec{
			HolderIdentity: &holder, RenewTime: new(metav1.NewMicroTime(renewed)), LeaseDurationSeconds: new(int32(15)),
		}}
	}
	cases := map[string]struct {
		lease *coordinationv1.Lease
		says  string // empty: it is held
	}{
		"held":     {lease: lease("pod", now.Add(-10*time.Second))},
		"run out":  {lease: lease("pod", now.Add(-20*time.Second)), says: "the lease of pod ran out"},
		"released": {lease: lease("", now), says: "no operator holds"},
		"new":      {lease: &coordinationv1.Lease{}, says: "no operator holds"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := held(tc.lease, now)
			if tc.says == "" && err != nil || tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)) {
				t.Errorf("%v, wanted %q", err, tc.says)
			}
		})
	}
}

// The check of `helm test`, with the right of its Role alone: it waits for an operator, and finds it.
func TestCheck(t *testing.T) {
	t.Parallel()
	kube := adminClient(t)
	namespace := create(t, kube, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "docvault-system-"}}).Name
	meta := metav1.ObjectMeta{Namespace: namespace, Name: "check"}
	create(t, kube, &rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, ResourceNames: []string{leaseName}, Verbs: []string{"get"},
	}}})
	create(t, kube, &rbacv1.RoleBinding{
		ObjectMeta: meta,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "check"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: namespace, Name: "check"}},
	})
	var said bytes.Buffer
	checking := exec.Command(os.Args[0], "--check")
	checking.Env = append(os.Environ(), asOperator+"=yes", "POD_NAMESPACE="+namespace,
		"KUBECONFIG="+kubeconfigOf(t, "system:serviceaccount:"+namespace+":check"))
	checking.Stdout, checking.Stderr = &said, &said
	if err := checking.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = checking.Process.Kill() })
	operator := startOperator(t, namespace, "test.docvault.io/"+namespace, grant(t, kube, namespace, vaultsRole, classesRole, classStatusRole))
	if err := checking.Wait(); err != nil {
		t.Errorf("%v: %s", err, said.String())
	}
	operator.end(t)
}
