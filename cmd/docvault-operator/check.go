package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/docvault/docvault/api/v1alpha1"
)

const (
	// checkFor is how long a check waits for an operator that starts: another replica's lease may have to run out first.
	checkFor = time.Minute
	// checkEvery is how often it looks.
	checkEvery = time.Second
)

// check looks whether the API server knows DocVault's kinds, and whether an operator holds the namespace's lease. It needs the
// right to get that Lease, and no other.
func check(ctx context.Context, namespace string) error {
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find the API server: %w", err)
	}
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("connect to the API server: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, checkFor)
	defer cancel()
	for {
		err := errors.Join(knowsKinds(kube), works(ctx, kube, namespace))
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(checkEvery):
		}
	}
}

func knowsKinds(kube kubernetes.Interface) error {
	kinds, err := kube.Discovery().ServerResourcesForGroupVersion(v1alpha1.GroupVersion.String())
	if err != nil {
		return fmt.Errorf("ask for %s (are the CRDs installed?): %w", v1alpha1.GroupVersion, err)
	}
	missing := map[string]bool{"docvaults": true, "docvaultclasses": true, "docvaults/status": true, "docvaultclasses/status": true}
	for _, kind := range kinds.APIResources {
		delete(missing, kind.Name)
	}
	for name := range missing {
		return fmt.Errorf("the API server knows no %s: install the CRDs of this version", name)
	}
	return nil
}

func works(ctx context.Context, kube kubernetes.Interface, namespace string) error {
	lease, err := kube.CoordinationV1().Leases(namespace).Get(ctx, leaseName, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("read the operator's lease: %w", err)
	}
	return held(lease, time.Now())
}

// held reports why nobody works by a lease.
func held(lease *coordinationv1.Lease, now time.Time) error {
	spec := lease.Spec
	if spec.HolderIdentity == nil || *spec.HolderIdentity == "" || spec.RenewTime == nil || spec.LeaseDurationSeconds == nil {
		return errors.New("no operator holds the lease: see the logs of its pods")
	}
	until := spec.RenewTime.Add(time.Duration(*spec.LeaseDurationSeconds) * time.Second)
	if now.After(until) {
		return fmt.Errorf("the lease of %s ran out at %s: see the logs of the operator's pods",
			*spec.HolderIdentity, until.Format(time.RFC3339))
	}
	return nil
}

// checked tells how a check ended.
func checked(err error, stdout, stderr io.Writer) int {
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	fmt.Fprintln(stdout, "the CRDs are installed, and the operator works")
	return exitOK
}
