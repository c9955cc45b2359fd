import { signal } from '@preact/signals'
import type { List } from './list'

// selection holds the ids of the documents that are chosen in the list.
export const selection = signal<ReadonlySet<string>>(new Set())

// The one that was chosen before: rows come and go above it meanwhile.
let before = ''

// select chooses one, or with shift all from the one that was chosen before.
export function select(list: List, index: number, on: boolean, shift: boolean) {
  const at = shift ? list.entries.findIndex((entry) => entry.id === before) : -1
  const other = at < 0 ? index : at
  const chosen = new Set(selection.value)
  for (const entry of list.entries.slice(Math.min(other, index), Math.max(other, index) + 1)) {
    if (on) chosen.add(entry.id)
    else chosen.delete(entry.id)
  }
  before = list.entries[index]?.id ?? ''
  selection.value = chosen
}

// unselect takes out what left the list.
export function unselect(gone: ReadonlySet<string>) {
  const left = [...selection.value].filter((id) => !gone.has(id))
  if (left.length < selection.value.size) selection.value = new Set(left)
}
