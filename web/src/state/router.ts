import { signal } from '@preact/signals'

// here is where the page is: the address bar, as a URL.
export const here = signal(new URL(location.href))

interface Place {
  key: number
  from?: string // the path of the place before
}

// How far each place in the history was scrolled. The lists keep what they loaded, so that going back is at once.
const scrolled = new Map<number, number>()
let key = (history.state as Place | null)?.key ?? Date.now()
history.scrollRestoration = 'manual'
history.replaceState({ ...(history.state as Place | null), key } satisfies Place, '')

export function go(href: string, how: 'push' | 'replace' = 'push') {
  const to = new URL(href, location.href)
  if (to.href === here.value.href) return
  if (how === 'push') {
    key = Date.now()
    history.pushState({ key, from: here.value.pathname } satisfies Place, '', to)
  } else {
    history.replaceState(history.state, '', to)
  }
  const moved = to.pathname !== here.value.pathname
  here.value = to
  if (how === 'push') scrollTo(0, 0)
  if (moved) focusMain()
}

// withParameters is the address with other parameters; what is empty goes.
export function withParameters(changes: Record<string, string>, path = here.value.pathname): string {
  const parameters = new URLSearchParams(here.value.search)
  for (const [name, value] of Object.entries(changes)) {
    if (value) parameters.set(name, value)
    else parameters.delete(name)
  }
  const query = parameters.toString()
  return query ? `${path}?${query}` : path
}

// A new view is announced by its heading; the focus is not left on what is gone. Who types a search goes on typing.
function focusMain() {
  if (document.activeElement?.closest('.search')) return
  requestAnimationFrame(() => document.getElementById('main')?.focus({ preventScroll: true }))
}

addEventListener('scroll', () => scrolled.set(key, scrollY), { passive: true })

// focusLink goes back to the link to a view that was left, once the list has it again.
function focusLink(path: string, frames = 5) {
  requestAnimationFrame(() => {
    const link = document.querySelector<HTMLElement>(`main a.link[href^="${path}"]`)
    if (link) link.focus({ preventScroll: true })
    else if (frames > 0) focusLink(path, frames - 1)
    else focusMain()
  })
}

addEventListener('popstate', (event) => {
  key = (event.state as Place | null)?.key ?? 0
  const left = here.value.pathname
  const moved = location.pathname !== left
  here.value = new URL(location.href)
  const top = scrolled.get(key) ?? 0
  requestAnimationFrame(() => scrollTo(0, top))
  if (moved && left.startsWith('/documents/')) focusLink(left)
  else if (moved) focusMain()
})

// Links are links: a plain click on one of ours changes the view, all others are the browser's.
addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  const link = event.target instanceof Element && event.target.closest('a')
  if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return
  if (/^\/(api|docs|openapi\.json|health)(\/|$)/.test(link.pathname) || link.hash) return
  event.preventDefault()
  go(link.href)
})
