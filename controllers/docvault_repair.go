package controllers

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/docvault/docvault/api/v1alpha1"
)

// maxEventNote is what the API server takes as an event's text, in bytes.
const maxEventNote = 1024

// tellRepairs tells what somebody had changed on a backend, and what was put back.
func (p *pass) tellRepairs(repaired []string) {
	if len(repaired) == 0 {
		return
	}
	p.event(corev1.EventTypeWarning, v1alpha1.EventRepaired, "Repair", "changed by somebody, and put right: "+strings.Join(repaired, "; "))
}

// event tells the vault's owner something once, and is counted.
func (p *pass) event(kind, reason, action, note string) {
	if len(note) > maxEventNote {
		note = strings.ToValidUTF8(note[:maxEventNote-3], "") + "..."
	}
	p.recorder.Eventf(p.vault, nil, kind, reason, action, "%s", note)
	p.metrics.events.WithLabelValues(kind, reason).Inc()
}
