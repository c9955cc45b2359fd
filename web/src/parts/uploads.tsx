import { useState } from 'preact/hooks'
import { bytes, explain, percent, t } from '../i18n'
import { cancel, forgetEnded, retry, retryAll, running, uploads, type Upload } from '../state/uploads'
import { useWindowed } from './windowed'
import { Icon } from './icon'

// Uploads shows how each file fares.
export function Uploads() {
  const [open, setOpen] = useState(true)
  const all = uploads.value
  const { ref, first, last, height, row } = useWindowed<HTMLUListElement>(all.length, 3.5)
  if (all.length === 0) return null
  return (
    <section class="uploads" aria-label={t('uploads')}>
      <header>
        <div role="status"><h2>{summary(all)}</h2></div>
        {all.filter((one) => one.state === 'broken').length > 1 && <button type="button" class="plain" onClick={retryAll}>{t('retryAll')}</button>}
        {running.value === 0 && <button type="button" class="plain" onClick={forgetEnded}>{t('clearEnded')}</button>}
        <button type="button" class="plain" aria-expanded={open} aria-label={t(open ? 'collapse' : 'expand')} onClick={() => setOpen(!open)}>
          <Icon name={open ? 'down' : 'up'} />
        </button>
      </header>
      <ul ref={ref} hidden={!open} tabIndex={0} aria-label={t('uploads')}>
        <li class="space" aria-hidden="true" style={{ height: `${height}px` }} />
        {all.slice(first, last).map((one, i) => <One key={one.key} one={one} top={(first + i) * row} />)}
      </ul>
    </section>
  )
}

function summary(all: Upload[]): string {
  if (running.value > 0) return t('uploading', { n: running.value })
  return t(all.some((one) => one.state === 'refused' || one.state === 'broken') ? 'uploadsSome' : 'uploadsDone')
}

function One({ one, top }: { one: Upload; top: number }) {
  const name = one.file.name
  const ended = one.state === 'cancelled' || one.state === 'broken'
  return (
    <li class={`upload ${one.state}`} style={{ top: `${top}px` }}>
      <bdi class="name" title={name}>{name}</bdi>
      <small>{bytes(one.file.size)}</small>
      <Said one={one} />
      {one.state === 'sending' && <progress max={1} value={one.sent} aria-label={t('progressOf', { name })} />}
      {(one.state === 'sending' || one.state === 'waiting') && (
        <button type="button" class="plain" aria-label={t('cancelOf', { name })} onClick={() => cancel(one)}><Icon name="close" /></button>
      )}
      {ended && (
        <button type="button" class="plain" aria-label={t('retryOf', { name })} onClick={() => retry(one)}><Icon name="retry" /></button>
      )}
    </li>
  )
}

// Said is what became of it. What is in the vault can be opened from here.
function Said({ one }: { one: Upload }) {
  if (one.document) return <a href={`/documents/${one.document.id}`}>{t(one.state === 'duplicate' ? 'upload.duplicate' : 'upload.stored')}</a>
  if (one.problem) {
    const text = explain(one.problem)
    return <span class="wrong" title={text}>{text}</span>
  }
  if (one.state === 'refused') return null
  return <span>{t(`upload.${one.state as 'waiting'}`, { percent: percent(one.sent) })}</span>
}
