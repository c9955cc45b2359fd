import { signal } from '@preact/signals'

export interface Toast {
  id: number
  text: string
  kind: 'done' | 'wrong'
  action?: { label: string; run: () => void }
}

export const toasts = signal<Toast[]>([])

let next = 1

// tell says what happened, for long enough to read it and to undo it.
export function tell(text: string, more: { kind?: Toast['kind']; action?: Toast['action'] } = {}) {
  const toast: Toast = { id: next++, text, kind: more.kind ?? 'done' }
  if (more.action) toast.action = more.action
  toasts.value = [...toasts.value.slice(-2), toast]
  setTimeout(() => dismiss(toast.id), more.action ? 12_000 : 7_000)
}

export function dismiss(id: number) {
  toasts.value = toasts.value.filter((toast) => toast.id !== id)
}
