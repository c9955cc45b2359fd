import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { api } from '../api/api'
import { facts } from '../api/facts'
import { explain, number, t } from '../i18n'
import { here } from '../state/router'
import { signedOut } from '../state/session'
import { tell } from '../state/toasts'
import { topics } from '../state/topics'
import { Dot } from './chip'
import { Icon, type IconName } from './icon'

export function Sidebar({ open, onClose }: { open: boolean; onClose: () => void }) {
  const at = here.value
  useEffect(onClose, [at])
  useEffect(() => {
    if (!open) return
    const close = (event: KeyboardEvent) => event.key === 'Escape' && onClose()
    addEventListener('keydown', close)
    return () => removeEventListener('keydown', close)
  }, [open])

  const topic = at.pathname === '/' ? at.searchParams.get('topic') : null
  const untagged = at.pathname === '/' && at.searchParams.get('untagged') === 'true'
  return (
    <>
      {open && <div class="shade" onClick={onClose} />}
      <nav id="sidebar" class={open ? 'sidebar open' : 'sidebar'} aria-label={t('navigation')}>
        <Item href="/" icon="document" current={at.pathname === '/' && !topic && !untagged}>{t('all')}</Item>
        <h2>{t('topics')}</h2>
        <ul class="topics">
          {(topics.value ?? []).map((one) => (
            <li key={one.id}>
              <a href={`/?topic=${encodeURIComponent(one.name)}`} aria-current={topic === one.name ? 'page' : undefined}>
                <Dot color={one.color} /><bdi>{one.name}</bdi><small>{number(one.doc_count)}</small>
              </a>
            </li>
          ))}
          <li>
            <a href="/?untagged=true" aria-current={untagged ? 'page' : undefined}><span class="dot none" /><span>{t('untagged')}</span></a>
          </li>
        </ul>
        <div class="rest">
          <Item href="/topics" icon="topics" current={at.pathname === '/topics'}>{t('manage')}</Item>
          {facts.trash && <Item href="/trash" icon="trash" current={at.pathname === '/trash'}>{t('trash')}</Item>}
          <Item href="/status" icon="status" current={at.pathname === '/status'}>{t('status')}</Item>
          <Item href="/settings" icon="settings" current={at.pathname === '/settings'}>{t('settings')}</Item>
          <Item href="/docs" icon="book" current={false}>{t('docs')}</Item>
          {facts.token && !signedOut.value && (
            <button type="button" class="item" onClick={signOut}><Icon name="out" />{t('signOut')}</button>
          )}
        </div>
      </nav>
    </>
  )
}

function Item({ href, icon, current, children }: { href: string; icon: IconName; current: boolean; children: ComponentChildren }) {
  return <a class="item" href={href} aria-current={current ? 'page' : undefined}><Icon name={icon} />{children}</a>
}

// signOut leaves by loading the page anew, so that nothing of the vault stays in the window.
async function signOut() {
  try {
    await api.signOut()
    location.assign('/')
  } catch (error) {
    tell(explain(error), { kind: 'wrong' })
  }
}
