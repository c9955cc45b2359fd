import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { textURL, type DocWithText } from '../api/api'
import { t } from '../i18n'
import { mark, piecesOf, wordsOf } from '../parts/highlight'
import { Icon } from '../parts/icon'
import { Marked } from '../parts/marked'
import { entryOf } from '../state/list'

// Text is what the vault read, with what was searched for. Other forms of a word, which the search finds too, are known from the list.
export function Text({ document: doc, query }: { document: DocWithText; query: string }) {
  const element = useRef<HTMLPreElement>(null)
  const [at, setAt] = useState(0)
  const pieces = useMemo(() => {
    const listed = piecesOf(entryOf(doc.id)?.highlight ?? '').filter((piece) => piece.marked).map((piece) => piece.text)
    return mark(doc.extracted_text, query ? [...new Set([...wordsOf(query), ...listed])] : [])
  }, [doc.extracted_text, query])
  const hits = pieces.filter((piece) => piece.marked).length

  const show = (n: number, how: ScrollLogicalPosition) => {
    const marks = element.current?.querySelectorAll('mark') ?? []
    marks[at]?.classList.remove('current')
    marks[n]?.classList.add('current')
    marks[n]?.scrollIntoView({ block: how })
    setAt(n)
  }
  useEffect(() => { if (hits > 0) show(0, 'center') }, [pieces])

  if (doc.status === 'pending' || doc.status === 'processing') return <p class="note">{t('notYet')}</p>
  if (!doc.extracted_text) return <p class="note">{t('noText')}</p>
  return (
    <>
      {query && (
        <div class="hits">
          <span role="status">{hits ? t('hits', { n: hits }) : t('noHits')}</span>
          {hits > 1 && (
            <>
              <button type="button" class="plain" aria-label={t('previousHit')} onClick={() => show((at - 1 + hits) % hits, 'center')}><Icon name="up" /></button>
              <button type="button" class="plain" aria-label={t('nextHit')} onClick={() => show((at + 1) % hits, 'center')}><Icon name="down" /></button>
            </>
          )}
        </div>
      )}
      <pre class="text" dir="auto" lang={doc.language || undefined} ref={element}><Marked pieces={pieces} /></pre>
      {doc.text_truncated && <p class="note">{t('cut')} <a href={textURL(doc.id)} target="_blank" rel="noreferrer">{t('allText')}</a></p>}
    </>
  )
}
