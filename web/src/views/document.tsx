import { useEffect, useMemo, useState } from 'preact/hooks'
import { Missing } from '../app'
import { api, contentURL, type DocWithText } from '../api/api'
import { facts } from '../api/facts'
import { Away, Problem } from '../api/problem'
import { explain, explainCode, isolate, t } from '../i18n'
import { Empty } from '../parts/empty'
import { ForGood } from '../parts/forgood'
import { Icon } from '../parts/icon'
import { restore } from '../parts/many'
import { Sheet } from '../parts/preview'
import { Standing } from '../parts/standing'
import { Again, useAgain } from '../parts/wrong'
import { returns } from '../state/connection'
import { watch } from '../state/events'
import { dropFromLists } from '../state/list'
import { go, here, withParameters } from '../state/router'
import { tell } from '../state/toasts'
import { oneAtATime } from '../state/turns'
import { Details } from './details'
import { Name } from './name'
import { Text } from './text'

// DocumentView shows one document with all that the vault made of it.
export function DocumentView({ id }: { id: string }) {
  const { document: doc, problem, read } = useDocument(id)
  useAgain(doc ? undefined : problem, () => void read())
  useEffect(() => {
    if (doc) document.title = `${isolate(doc.original_name)} · DocVault`
  }, [doc?.original_name])

  if (problem instanceof Problem && problem.status === 404) return <Missing />
  if (!doc && problem) {
    return <Empty heading="h1" icon="warning" title={t('listWrong')} text={explain(problem)}><button type="button" onClick={read}>{t('retry')}</button></Empty>
  }
  if (!doc) return <p class="loading" role="status">{t('loading')}</p>
  return (
    <article class="document">
      <BackLink />
      <Again problem={problem} again={() => void read()} />
      <div class="title">
        <Name document={doc} onRenamed={read} />
        <Standing document={doc} />
        <Actions document={doc} onChange={read} />
      </div>
      {doc.error && <Failure title={t('unreadable')} text={explainCode(doc.error.code, doc.error.detail)} />}
      {doc.classification.error && <Failure title={t('unfiled')} text={explainCode(doc.classification.error.code, doc.classification.error.detail)} />}
      <div class="columns">
        <Content document={doc} />
        <Details document={doc} onChange={read} />
      </div>
    </article>
  )
}

function useDocument(id: string) {
  const [document, setDocument] = useState<DocWithText>()
  const [problem, setProblem] = useState<Problem | Away>()
  const given = useMemo(() => new AbortController(), [id])
  useEffect(() => () => given.abort(), [given])
  const read = useMemo(() => oneAtATime(async () => {
    try {
      setDocument(await api.get(id, given.signal))
      setProblem(undefined)
    } catch (error) {
      if (given.signal.aborted) return
      if (!(error instanceof Problem || error instanceof Away)) throw error
      setProblem(error)
    }
  }), [id])
  useEffect(() => { void read() }, [read, returns.value])
  useEffect(() => watch({ document: (changed) => { if (changed.id === id) void read() }, topics: () => void read(), reset: () => void read() }), [read])
  return { document, problem, read }
}

// BackLink leads to where the list was, if it was there, else to all documents.
function BackLink() {
  const q = here.value.searchParams.get('q')
  return (
    <a
      class="back" href={q ? `/?q=${encodeURIComponent(q)}` : '/'}
      onClick={(event) => {
        if (!cameFromList()) return
        event.preventDefault()
        history.back()
      }}
    >
      <Icon name="back" />{t('documents')}
    </a>
  )
}

const cameFromList = () => (history.state as { from?: string } | null)?.from === '/'

function Failure({ title, text }: { title: string; text: string }) {
  return <div class="failure" role="note"><Icon name="warning" /><p><strong>{title}</strong><br />{text}</p></div>
}

// What browsers show by themselves; the API sends the rest as a download.
const shown = /^(application\/pdf|image\/(png|jpeg|gif|webp|bmp)|text\/plain)/

function Actions({ document: doc, onChange }: { document: DocWithText; onChange: () => Promise<void> }) {
  const [asking, setAsking] = useState(false)
  const act = async (work: () => Promise<unknown>) => {
    try {
      await work()
      void onChange()
    } catch (error) {
      tell(explain(error), { kind: 'wrong' })
    }
  }
  const name = doc.original_name
  const remove = async () => {
    setAsking(false)
    await api.remove(doc.id)
    dropFromLists(doc.id)
    if (cameFromList()) history.back()
    else go('/')
    if (facts.trash) tell(t('deleted', { name }), { action: { label: t('undo'), run: () => void act(() => restore([doc.id], name)) } })
    else tell(t('deletedForGood', { name }))
  }
  return (
    <div class="actions">
      <a class="button" href={contentURL(doc.id, true)} download><Icon name="download" />{t('download')}</a>
      {shown.test(doc.mime_type) && <a class="button" href={contentURL(doc.id)} target="_blank" rel="noreferrer"><Icon name="open" />{t('open')}</a>}
      <button type="button" title={t('fileAgainSays')} onClick={() => act(() => api.classify(doc.id))}><Icon name="topics" />{t('fileAgain')}</button>
      <button type="button" title={t('readAgainSays')} onClick={() => act(() => api.reprocess(doc.id))}><Icon name="retry" />{t('readAgain')}</button>
      <button type="button" class="danger" onClick={() => (facts.trash ? act(remove) : setAsking(true))}>
        <Icon name="trash" />{t(facts.trash ? 'delete' : 'deleteForGood')}
      </button>
      {asking && <ForGood question={t('deleteForGoodAsk', { name })} onClose={() => setAsking(false)} onYes={() => void act(remove)} />}
    </div>
  )
}

// Content is the pages or the text. Who comes from a search wants to see what was found.
function Content({ document: doc }: { document: DocWithText }) {
  const q = here.value.searchParams.get('q') ?? ''
  const view = here.value.searchParams.get('view') ?? (q ? 'text' : 'pages')
  const tab = (name: 'pages' | 'text') => (
    <button
      type="button" role="tab" id={`tab-${name}`} aria-selected={view === name} aria-controls="content" tabIndex={view === name ? 0 : -1}
      onClick={() => go(withParameters({ view: name }), 'replace')}
      onKeyDown={(event) => {
        if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return
        const other = name === 'pages' ? 'text' : 'pages'
        go(withParameters({ view: other }), 'replace')
        document.getElementById(`tab-${other}`)?.focus()
      }}
    >
      {t(name)}
    </button>
  )
  return (
    <section class="content">
      <div role="tablist">{tab('pages')}{tab('text')}</div>
      <div role="tabpanel" id="content" aria-labelledby={`tab-${view}`} tabIndex={0}>
        {view === 'text' ? <Text document={doc} query={q} /> : <Pages document={doc} />}
      </div>
    </section>
  )
}

function Pages({ document: doc }: { document: DocWithText }) {
  if (doc.status === 'pending' || doc.status === 'processing') return <p class="note">{t('notYet')}</p>
  const pages = Array.from({ length: Math.max(1, doc.page_count) }, (_, i) => i + 1)
  return <>{pages.map((page) => <Sheet key={page} document={doc} page={page} />)}</>
}
