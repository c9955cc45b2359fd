import type { ComponentChildren } from 'preact'
import { Icon, type IconName } from './icon'

// Empty stands where nothing is, and says what to do.
export function Empty({ icon, title, text, children }: { icon: IconName; title: string; text: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <span class="emblem"><Icon name={icon} /></span>
      <h2>{title}</h2>
      <p>{text}</p>
      {children}
    </div>
  )
}
