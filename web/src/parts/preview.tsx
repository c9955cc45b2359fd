import { useEffect, useRef, useState } from 'preact/hooks'
import { t, kind } from '../i18n'
import type { Doc } from '../api/api'
import { Away, Problem } from '../api/problem'
import { returns } from '../state/connection'
import { picture, pictureAt, sheet, thumbnail } from '../state/previews'

// usePicture loads a page's picture. `after` ms pass first, so that what is only scrolled past is never asked for.
function usePicture(document: Doc, page: number, width: number, wanted: boolean, after: number): string | null | undefined {
  const [url, setURL] = useState<string | null | undefined>(() => pictureAt(document.id, page, width))
  useEffect(() => {
    const known = pictureAt(document.id, page, width)
    setURL(known)
    if (known || !wanted) return
    const given = new AbortController()
    const timer = setTimeout(() => {
      picture(document.id, page, width, given.signal).then(setURL, (error: unknown) => {
        if (!given.signal.aborted && !(error instanceof Problem || error instanceof Away)) throw error
      })
    }, after)
    return () => {
      clearTimeout(timer)
      given.abort()
    }
  }, [document.id, page, width, wanted, returns.value])
  return url
}

export function Thumbnail({ document }: { document: Doc }) {
  const url = usePicture(document, 1, thumbnail, document.status === 'ready', 150)
  return (
    <span class="thumbnail" aria-hidden="true">
      {url ? <img src={url} alt="" decoding="async" draggable={false} /> : <span>{kind(document.mime_type).slice(0, 5)}</span>}
    </span>
  )
}

export function Sheet({ document, page }: { document: Doc; page: number }) {
  const [seen, setSeen] = useState(false)
  const element = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => setSeen(entries.some((entry) => entry.isIntersecting)), { rootMargin: '400px' })
    if (element.current) observer.observe(element.current)
    return () => observer.disconnect()
  }, [])
  const url = usePicture(document, page, sheet, seen, 0)
  return (
    <div class={url ? 'sheet' : 'sheet blank'} ref={element}>
      {url && <img src={url} alt={t('pageOf', { n: page, name: document.original_name })} draggable={false} />}
      {url === undefined && <span>{t('drawing')}</span>}
      {url === null && <span>{t('noPreview')}</span>}
    </div>
  )
}
