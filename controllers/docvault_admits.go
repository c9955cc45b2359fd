package controllers

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/controllers/desired"
)

// admits reports, as a *refusal, what of the vault's spec or namespace the class does not allow.
func admits(class *v1alpha1.DocVaultClass, vault *v1alpha1.DocVault, namespace *corev1.Namespace) error {
	for _, rule := range []error{
		admitsNamespace(class, namespace),
		admitsImage(class, vault),
		admitsSizes(class, vault),
		admitsExternal(class, vault),
		admitsAnnotations(class, vault),
		admitsHost(class, vault),
		admitsPods(class, "spec.api.template", vault.Spec.API.Template),
		admitsPods(class, "spec.worker.template", vault.Spec.Worker.Template),
	} {
		if rule != nil {
			return rule
		}
	}
	return nil
}

func admitsNamespace(class *v1alpha1.DocVaultClass, namespace *corev1.Namespace) error {
	if class.Spec.NamespaceSelector == nil {
		return nil
	}
	selector, err := metav1.LabelSelectorAsSelector(class.Spec.NamespaceSelector)
	if err != nil {
		return refuse(v1alpha1.ReasonClassNotReady, "class %s has a namespaceSelector that is not valid: %v", class.Name, err)
	}
	if !selector.Matches(labels.Set(namespace.Labels)) {
		return refuse(v1alpha1.ReasonNamespaceNotAllowed, "class %s does not serve the namespace %s", class.Name, namespace.Name)
	}
	return nil
}

func admitsImage(class *v1alpha1.DocVaultClass, vault *v1alpha1.DocVault) error {
	if image := vault.Spec.Image; image != "" && !desired.ImageAllowed(class, image) {
		return refuse(v1alpha1.ReasonImageNotAllowed,
			"class %s does not allow the image %s: leave spec.image out, or have the class allow it", class.Name, image)
	}
	return nil
}

func admitsSizes(class *v1alpha1.DocVaultClass, vault *v1alpha1.DocVault) error {
	api, worker, limits := vault.Spec.API, vault.Spec.Worker, class.Spec.Limits
	if most := limits.API.MaxReplicas; most != nil {
		if a := api.Autoscaling; a != nil && a.MaxReplicas > *most {
			return exceeds(class, "spec.api.autoscaling.maxReplicas", a.MaxReplicas, *most)
		}
		if n := api.Replicas; n != nil && *n > *most {
			return exceeds(class, "spec.api.replicas", *n, *most)
		}
	}
	if most := limits.Worker.MaxReplicas; most != nil {
		if a := worker.Autoscaling; a != nil && a.MaxReplicas > *most {
			return exceeds(class, "spec.worker.autoscaling.maxReplicas", a.MaxReplicas, *most)
		}
		if n := worker.Replicas; n != nil && *n > *most {
			return exceeds(class, "spec.worker.replicas", *n, *most)
		}
	}
	if most, size := limits.MaxUploadSize, api.MaxUploadSize; most != nil && size != nil && size.Cmp(*most) > 0 {
		return exceeds(class, "spec.api.maxUploadSize", size, most)
	}
	return nil
}

func exceeds(class *v1alpha1.DocVaultClass, field string, wanted, most any) error {
	return refuse(v1alpha1.ReasonLimitExceeded, "%s is %s, and class %s allows at most %s: lower it, or have the class raise its limit",
		field, text(wanted), class.Name, text(most))
}

// text prints numbers and quantities as they are written in a spec.
func text(value any) string {
	if s, ok := value.(fmt.Stringer); ok {
		return s.String()
	}
	return fmt.Sprint(value)
}

func admitsExternal(class *v1alpha1.DocVaultClass, vault *v1alpha1.DocVault) error {
	for _, brought := range []struct {
		backend  v1alpha1.Backend
		external *v1alpha1.ExternalBackend
	}{
		{v1alpha1.BackendRedis, vault.Spec.Redis.External},
		{v1alpha1.BackendPostgres, vault.Spec.Postgres.External},
		{v1alpha1.BackendObjectStore, vault.Spec.ObjectStore.External},
	} {
		if brought.external != nil && !slices.Contains(class.Spec.Allow.External, brought.backend) {
			return notAllowed(class, "spec."+string(brought.backend)+".external", "allow.external")
		}
	}
	return nil
}

func admitsAnnotations(class *v1alpha1.DocVaultClass, vault *v1alpha1.DocVault) error {
	if key := notMatched(vault.Spec.API.Service.Annotations, class.Spec.Allow.ServiceAnnotations); key != "" {
		return notAllowed(class, "spec.api.service.annotations: "+key, "allow.serviceAnnotations")
	}
	ingress := vault.Spec.Route.Ingress
	if ingress == nil {
		return nil
	}
	if key := notMatched(ingress.Annotations, class.Spec.Allow.IngressAnnotations); key != "" {
		return notAllowed(class, "spec.route.ingress.annotations: "+key, "allow.ingressAnnotations")
	}
	return nil
}

// notMatched returns the first key, in the order of their names, that no pattern takes.
func notMatched(annotations map[string]string, patterns []string) string {
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		if !slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, key) }) {
			return key
		}
	}
	return ""
}

// matches reports whether a pattern, in which * stands for any letters, takes a text.
func matches(pattern, text string) bool {
	expression := "^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$"
	matched, err := regexp.MatchString(expression, text)
	return err == nil && matched
}

func admitsHost(class *v1alpha1.DocVaultClass, vault *v1alpha1.DocVault) error {
	host := vault.Spec.Route.Host
	if host == "" || host == desired.HostOf(class.Spec.HostTemplate, vault) {
		return nil
	}
	if slices.ContainsFunc(class.Spec.Allow.Hosts, func(pattern string) bool { return hostMatches(pattern, host) }) {
		return nil
	}
	return notAllowed(class, "the host "+host+" of spec.route", "allow.hosts")
}

// hostMatches reports whether a pattern takes a host: * stands for one label.
func hostMatches(pattern, host string) bool {
	wanted, is := strings.Split(pattern, "."), strings.Split(host, ".")
	return slices.EqualFunc(wanted, is, func(w, l string) bool { return w == "*" || strings.EqualFold(w, l) })
}

func admitsPods(class *v1alpha1.DocVaultClass, field string, template v1alpha1.PodTemplate) error {
	if len(template.Tolerations) > 0 && !class.Spec.Allow.Tolerations {
		return notAllowed(class, field+".tolerations", "allow.tolerations")
	}
	if name := template.PriorityClassName; name != "" && !slices.Contains(class.Spec.Allow.PriorityClasses, name) {
		return notAllowed(class, field+".priorityClassName "+name, "allow.priorityClasses")
	}
	return nil
}

func notAllowed(class *v1alpha1.DocVaultClass, what, field string) error {
	return refuse(v1alpha1.ReasonNotAllowed,
		"class %s does not allow %s: leave it out, or have the class take it into %s", class.Name, what, field)
}
