package controllers

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/docvault/docvault/api/v1alpha1"
)

// Kinds of children that others bring: a vault has them where they are installed.
var (
	scaledObject = schema.GroupVersionKind{Group: "keda.sh", Version: "v1alpha1", Kind: "ScaledObject"}
	httpRoute    = schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"}
)

const (
	// extensionsRest is how often the API server is asked whether they are installed: a request for each, whatever the number of
	// vaults. What it tells it tells everybody, so no right to read CRDs is needed.
	extensionsRest = 15 * time.Second
	// extensionsAnswer bounds how long a pass waits for the first list of such a kind: its CRD may just have gone.
	extensionsAnswer = 10 * time.Second
)

// installedKinds says which kinds that others bring are there.
type installedKinds map[schema.GroupVersionKind]bool

// extensions finds out which of these kinds are installed, has those watched, and wakes the vaults that a change concerns.
type extensions struct {
	mgr        ctrl.Manager // not embedded: a runnable with a cache is taken for one, and started before its replica leads
	discovery  discovery.ServerResourcesInterfaceWithContext
	controller controller.Controller
	wake       chan event.GenericEvent

	mu        sync.Mutex
	installed installedKinds
}

func newExtensions(mgr ctrl.Manager) (*extensions, error) {
	asked, err := discovery.NewDiscoveryClientForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("make discovery client: %w", err)
	}
	return &extensions{mgr: mgr, discovery: asked, wake: make(chan event.GenericEvent), installed: installedKinds{}}, nil
}

// begin has what is installed already watched from the start, and the rest found later.
func (e *extensions) begin(ctx context.Context) error {
	if _, err := e.look(ctx); err != nil {
		return err
	}
	return e.mgr.Add(e)
}

// now returns what is installed, for one pass to go by from its beginning to its end.
func (e *extensions) now() installedKinds {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.installed)
}

// Start implements manager.Runnable.
func (e *extensions) Start(ctx context.Context) error {
	tick := time.NewTicker(extensionsRest)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		changed, err := e.look(ctx)
		if err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "look for extensions; it is tried again")
		}
		for _, kind := range changed {
			e.wakeVaults(ctx, kind)
		}
	}
}

// look compares what is installed with what is watched, and returns the kinds that came or went.
func (e *extensions) look(ctx context.Context) (changed []schema.GroupVersionKind, err error) {
	was := e.now()
	for _, kind := range []schema.GroupVersionKind{scaledObject, httpRoute} {
		is, err := e.isInstalled(ctx, kind)
		if err != nil {
			return changed, err
		}
		if is == was[kind] {
			continue
		}
		if err := e.follow(ctx, kind, is); err != nil {
			return changed, err
		}
		changed = append(changed, kind)
	}
	return changed, nil
}

func (e *extensions) isInstalled(ctx context.Context, kind schema.GroupVersionKind) (bool, error) {
	resources, err := e.discovery.ServerResourcesForGroupVersionWithContext(ctx, kind.GroupVersion().String())
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("ask for %s: %w", kind.GroupVersion(), err)
	}
	for _, resource := range resources.APIResources {
		if resource.Kind == kind.Kind {
			return true, nil
		}
	}
	return false, nil
}

// follow begins or ends to watch a kind.
func (e *extensions) follow(ctx context.Context, kind schema.GroupVersionKind, is bool) error {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	if is {
		predicates := map[schema.GroupVersionKind][]predicate.Predicate{scaledObject: {ownedChanged()}} // the status of a route is told
		owned := handler.EnqueueRequestForOwner(
			e.mgr.GetScheme(), e.mgr.GetRESTMapper(), &v1alpha1.DocVault{}, handler.OnlyControllerOwner())
		if err := e.controller.Watch(source.Kind[client.Object](e.mgr.GetCache(), object, owned, predicates[kind]...)); err != nil {
			return fmt.Errorf("watch %s: %w", kind.Kind, err)
		}
	} else if err := e.mgr.GetCache().RemoveInformer(ctx, object); err != nil {
		return fmt.Errorf("end the watch of %s: %w", kind.Kind, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.installed[kind] = is
	return nil
}

// wakeVaults has the vaults that would use a kind looked at.
func (e *extensions) wakeVaults(ctx context.Context, kind schema.GroupVersionKind) {
	vaults := &v1alpha1.DocVaultList{}
	if err := e.mgr.GetClient().List(ctx, vaults); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "list vaults of a changed extension", "kind", kind.Kind)
		return
	}
	for i := range vaults.Items {
		vault := &vaults.Items[i]
		uses := map[schema.GroupVersionKind]bool{
			scaledObject: vault.Spec.Worker.Autoscaling != nil,
			httpRoute:    vault.Spec.Route.Gateway != nil,
		}
		if !uses[kind] {
			continue
		}
		select {
		case e.wake <- event.GenericEvent{Object: vault}:
		case <-ctx.Done():
			return
		}
	}
}

// woken is how the controller hears of it.
func (e *extensions) woken(b *builder.Builder) *builder.Builder {
	return b.WatchesRawSource(source.Channel(e.wake, &handler.EnqueueRequestForObject{}))
}

// children lists a vault's objects of the kinds that are installed.
func (e *extensions) children(ctx context.Context, installed installedKinds, options ...client.ListOption) ([]client.Object, error) {
	ctx, cancel := context.WithTimeout(ctx, extensionsAnswer)
	defer cancel()
	var found []client.Object
	for kind, is := range installed {
		if !is {
			continue
		}
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
		if err := e.mgr.GetCache().List(ctx, list, options...); err != nil {
			return nil, fmt.Errorf("list %s: %w", kind.Kind, err)
		}
		for i := range list.Items {
			found = append(found, &list.Items[i])
		}
	}
	return found, nil
}
