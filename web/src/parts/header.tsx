import { useEffect, useRef, useState } from 'preact/hooks'
import { t } from '../i18n'
import { filterOf, listOf } from '../state/list'
import { go, here, withParameters } from '../state/router'
import { upload } from '../state/uploads'
import { Icon } from './icon'

export function Header({ menu, onMenu }: { menu: boolean; onMenu: () => void }) {
  const files = useRef<HTMLInputElement>(null)
  return (
    <header class="bar">
      <button type="button" class="plain narrow" aria-label={t('menu')} aria-expanded={menu} aria-controls="sidebar" onClick={onMenu}>
        <Icon name="menu" />
      </button>
      <a class="brand" href="/" aria-label="DocVault"><img src="/favicon.svg" alt="" draggable={false} /><span>DocVault</span></a>
      <Search />
      <button type="button" class="main add" aria-label={t('add')} onClick={() => files.current?.click()}>
        <Icon name="add" /><span>{t('add')}</span>
      </button>
      <input
        ref={files} type="file" multiple hidden aria-label={t('add')}
        onChange={(event) => {
          upload(event.currentTarget.files ?? [])
          event.currentTarget.value = ''
        }}
      />
    </header>
  )
}

// What is typed faster than this, in ms, is searched for when typing rests as long; what is typed slower, or pasted, at once.
const rest = 120

function Search() {
  const asked = here.value.searchParams.get('q') ?? ''
  const [typed, setTyped] = useState(asked)
  const field = useRef<HTMLInputElement>(null)
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const sought = useRef(here.value)
  const last = useRef(-rest)

  // The address may change under the field: back, a link, cleared filters. Where the field changed it, typing may be further by now.
  useEffect(() => {
    if (here.value === sought.current) return
    if (typed.trim() !== asked) setTyped(asked)
  }, [here.value])

  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector('dialog[open]')) return
      event.preventDefault()
      field.current?.select()
      field.current?.focus()
    }
    addEventListener('keydown', focus)
    return () => removeEventListener('keydown', focus)
  }, [])

  const search = (text: string) => {
    clearTimeout(timer.current)
    const q = text.trim()
    const path = here.value.pathname
    const inList = path === '/' || path === '/trash'
    if (!inList && !q) return
    const to = inList ? withParameters({ q }) : `/?q=${encodeURIComponent(q)}`
    // Asked for before the view is drawn, which takes as long as many an answer.
    listOf(filterOf(new URL(to, location.href))).begin()
    // A search is one step back, not one for each letter.
    go(to, inList && asked ? 'replace' : 'push')
    sought.current = here.value
    scrollTo(0, 0)
  }
  return (
    <form role="search" class="search" onSubmit={(event) => { event.preventDefault(); search(typed) }}>
      <Icon name="search" />
      <input
        ref={field} type="search" aria-label={t('search')} aria-keyshortcuts="/" placeholder={t('searchHint')} value={typed} maxLength={1000}
        autocomplete="off" enterkeyhint="search"
        onInput={(event) => {
          const text = event.currentTarget.value
          setTyped(text)
          clearTimeout(timer.current)
          const rested = event.timeStamp - last.current >= rest
          last.current = event.timeStamp
          if (rested) {
            search(text)
            return
          }
          // What was typed belongs to this address, and to what its own searches make of it.
          const at = here.value
          timer.current = setTimeout(() => { if (here.value === at || here.value === sought.current) search(text) }, rest)
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </form>
  )
}

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input:not([type=checkbox], [type=radio]), textarea, select')
}
