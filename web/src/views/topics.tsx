import { useEffect, useState } from 'preact/hooks'
import { api, type Topic } from '../api/api'
import { explain, t } from '../i18n'
import { Dot } from '../parts/chip'
import { Dialog } from '../parts/dialog'
import { Empty } from '../parts/empty'
import { refocus } from '../parts/focus'
import { Wrong } from '../parts/wrong'
import { tell } from '../state/toasts'
import { readTopics, topics } from '../state/topics'

type Doing = { what: 'edit' | 'merge' | 'delete'; topic: Topic } | { what: 'create' }

export function TopicsView() {
  const [doing, setDoing] = useState<Doing>()
  const all = topics.value ?? []
  useEffect(() => {
    document.title = `${t('topics')} · DocVault`
    void readTopics()
  }, [])
  const done = () => {
    setDoing(undefined)
    void readTopics().then(() => refocus())
  }
  const button = (what: 'edit' | 'merge' | 'delete', topic: Topic) => (
    <button
      type="button" class={what === 'delete' ? 'danger' : ''} aria-label={t('actionsOf', { action: t(what), name: topic.name })}
      onClick={() => setDoing({ what, topic })}
    >
      {t(what)}
    </button>
  )
  return (
    <>
      <div class="head">
        <h1>{t('topics')}</h1>
        <button type="button" class="main" onClick={() => setDoing({ what: 'create' })}>{t('newTopic')}</button>
      </div>
      {topics.value && all.length === 0 && <Empty icon="topics" title={t('emptyTopics')} text={t('emptyTopicsDo')} />}
      <ul class="topic-list">
        {all.map((topic) => (
          <li key={topic.id}>
            <Dot color={topic.color} />
            <div>
              <a href={`/?topic=${encodeURIComponent(topic.name)}`}><bdi>{topic.name}</bdi></a>
              <small>{t('count', { n: topic.doc_count })}</small>
              {topic.description && <p dir="auto">{topic.description}</p>}
            </div>
            <span class="actions">{button('edit', topic)}{all.length > 1 && button('merge', topic)}{button('delete', topic)}</span>
          </li>
        ))}
      </ul>
      {(doing?.what === 'create' || doing?.what === 'edit') && (
        <Edit topic={doing.what === 'edit' ? doing.topic : undefined} onClose={() => setDoing(undefined)} onDone={done} />
      )}
      {doing?.what === 'merge' && <Merge topic={doing.topic} onClose={() => setDoing(undefined)} onDone={done} />}
      {doing?.what === 'delete' && <Delete topic={doing.topic} onClose={() => setDoing(undefined)} onDone={done} />}
    </>
  )
}

interface Props {
  topic: Topic
  onClose: () => void
  onDone: () => void
}

// Colours that can be told apart, also by most who see colours otherwise. The field takes any other.
const palette = ['#3b6fd4', '#0f8f8c', '#3f8f3a', '#b8860b', '#d4622a', '#c23b56', '#8e4fc2', '#5f6b7a']

function Edit({ topic, onClose, onDone }: Omit<Props, 'topic'> & { topic: Topic | undefined }) {
  const [typed, setTyped] = useState({
    name: topic?.name ?? '', description: topic?.description ?? '', color: topic?.color ?? palette[(topics.value?.length ?? 0) % palette.length] ?? '#3b6fd4',
  })
  const [wrong, setWrong] = useState('')
  const set = (changes: Partial<typeof typed>) => setTyped({ ...typed, ...changes })
  const save = async (event: Event) => {
    event.preventDefault()
    try {
      if (topic) await api.changeTopic(topic.id, typed)
      else await api.createTopic(typed)
      onDone()
    } catch (error) {
      setWrong(explain(error))
    }
  }
  return (
    <Dialog title={topic ? t('editTopic', { name: topic.name }) : t('newTopic')} onClose={onClose}>
      <form onSubmit={save}>
        <label class="field">
          {t('name')}
          <input value={typed.name} required maxLength={100} autoFocus dir="auto" onInput={(event) => set({ name: event.currentTarget.value })} />
        </label>
        <label class="field">
          {t('description')}
          <textarea rows={3} value={typed.description} dir="auto" aria-describedby="topic-hint" onInput={(event) => set({ description: event.currentTarget.value })} />
        </label>
        <p class="note" id="topic-hint">{t('descriptionHint')}</p>
        <div class="colors">
          <label class="field">
            {t('color')}
            <input type="color" value={typed.color} onInput={(event) => set({ color: event.currentTarget.value })} />
          </label>
          {palette.map((color) => (
            <button
              key={color} type="button" class="swatch" aria-label={`${t('color')} ${color}`} aria-pressed={typed.color === color}
              style={{ backgroundColor: color }} onClick={() => set({ color })}
            />
          ))}
        </div>
        <Wrong text={wrong} />
        <footer>
          <button type="button" onClick={onClose}>{t('cancel')}</button>
          <button class="main">{t(topic ? 'save' : 'create')}</button>
        </footer>
      </form>
    </Dialog>
  )
}

function Merge({ topic, onClose, onDone }: Props) {
  const others = (topics.value ?? []).filter((one) => one.id !== topic.id)
  const [into, setInto] = useState(others[0]?.id ?? '')
  const [wrong, setWrong] = useState('')
  const [busy, setBusy] = useState(false)
  const merge = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    try {
      const other = await api.mergeTopic(topic.id, into)
      tell(t('topicMerged', { name: topic.name, into: other.name }))
      onDone()
    } catch (error) {
      setWrong(explain(error))
      setBusy(false)
    }
  }
  return (
    <Dialog title={t('mergeTopic', { name: topic.name })} onClose={onClose}>
      <form onSubmit={merge}>
        <label class="field">
          {t('mergeInto')}
          <select value={into} onChange={(event) => setInto(event.currentTarget.value)}>
            {others.map((one) => <option key={one.id} value={one.id} selected={one.id === into}>{one.name}</option>)}
          </select>
        </label>
        <p>{t('mergeSays', { n: topic.doc_count, name: topic.name })}</p>
        <Wrong text={wrong} />
        <footer>
          <button type="button" onClick={onClose}>{t('cancel')}</button>
          <button class="main" disabled={busy}>{t('merge')}</button>
        </footer>
      </form>
    </Dialog>
  )
}

function Delete({ topic, onClose, onDone }: Props) {
  const [wrong, setWrong] = useState('')
  const remove = async () => {
    try {
      await api.removeTopic(topic.id)
      tell(t('topicDeleted', { name: topic.name }))
      onDone()
    } catch (error) {
      setWrong(explain(error))
    }
  }
  return (
    <Dialog title={t('deleteTopic', { name: topic.name })} onClose={onClose}>
      <p>{t('deleteSays', { n: topic.doc_count })}</p>
      <Wrong text={wrong} />
      <footer>
        <button type="button" onClick={onClose}>{t('cancel')}</button>
        <button type="button" class="main danger" onClick={remove}>{t('delete')}</button>
      </footer>
    </Dialog>
  )
}
