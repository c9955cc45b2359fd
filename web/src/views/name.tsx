import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { api, type Doc } from '../api/api'
import { explain, t } from '../i18n'
import { Icon } from '../parts/icon'
import { useUnsaved } from '../parts/unsaved'
import { Wrong } from '../parts/wrong'

// Name is the document's heading, and the field in which it is renamed.
export function Name({ document: doc, onRenamed }: { document: Doc; onRenamed: () => Promise<void> }) {
  const [typed, setTyped] = useState<string>()
  const [wrong, setWrong] = useState('')
  const field = useRef<HTMLInputElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  const editing = typed !== undefined
  useUnsaved(editing && typed !== doc.original_name)
  // Before anything is painted: what is typed at once belongs here.
  useLayoutEffect(() => {
    if (!editing) return
    // The name without its extension is what people change.
    const dot = doc.original_name.lastIndexOf('.')
    field.current?.focus()
    field.current?.setSelectionRange(0, dot > 0 ? dot : doc.original_name.length)
    return () => button.current?.focus()
  }, [editing])

  if (!editing) {
    return (
      <h1>
        <bdi>{doc.original_name}</bdi>
        <button ref={button} type="button" class="plain" aria-label={t('rename')} onClick={() => setTyped(doc.original_name)}><Icon name="edit" /></button>
      </h1>
    )
  }
  const save = async (event: Event) => {
    event.preventDefault()
    try {
      await api.rename(doc.id, typed)
      await onRenamed()
      setTyped(undefined)
    } catch (error) {
      setWrong(explain(error))
    }
  }
  return (
    <form class="rename" onSubmit={save} onKeyDown={(event) => event.key === 'Escape' && setTyped(undefined)}>
      <input ref={field} aria-label={t('name')} value={typed} required onInput={(event) => setTyped(event.currentTarget.value)} dir="auto" />
      <button class="main">{t('save')}</button>
      <button type="button" onClick={() => setTyped(undefined)}>{t('cancel')}</button>
      <Wrong text={wrong} />
    </form>
  )
}
