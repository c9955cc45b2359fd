import type { ComponentChildren } from 'preact'
import { Icon, type IconName } from './icon'

interface Props {
  icon: IconName
  title: string
  text: string
  // h1 where it is all of the view.
  heading?: 'h1' | 'h2'
  children?: ComponentChildren
}

// Empty stands where nothing is, and says what to do.
export function Empty({ icon, title, text, heading: Heading = 'h2', children }: Props) {
  return (
    <div class="empty">
      <span class="emblem"><Icon name={icon} /></span>
      <Heading>{title}</Heading>
      <p>{text}</p>
      {children}
    </div>
  )
}
