import { useState } from 'preact/hooks'
import { api } from '../api/api'
import { explain, t } from '../i18n'
import { readTopics, topics } from '../state/topics'
import { Dot } from './chip'
import { Dialog } from './dialog'
import { Wrong } from './wrong'

interface Props {
  title: string
  chosen: string[]
  onSave: (names: string[]) => Promise<void>
  onClose: () => void
}

// Picker chooses among topics, and makes new ones.
export function Picker({ title, chosen, onSave, onClose }: Props) {
  const [names, setNames] = useState(new Set(chosen))
  const [fresh, setFresh] = useState('')
  const [wrong, setWrong] = useState('')

  const toggle = (name: string) => {
    const next = new Set(names)
    if (!next.delete(name)) next.add(name)
    setNames(next)
  }
  const create = async () => {
    const topic = await api.createTopic({ name: fresh.trim() })
    setFresh('')
    setNames(new Set([...names, topic.name]))
    await readTopics()
    return topic.name
  }
  const save = async (event: Event) => {
    event.preventDefault()
    try {
      const added = fresh.trim() ? [await create()] : []
      await onSave([...names, ...added])
      onClose()
    } catch (error) {
      setWrong(explain(error))
    }
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={save}>
        <ul class="choices">
          {(topics.value ?? []).map((topic) => (
            <li key={topic.id}>
              <label>
                <input type="checkbox" checked={names.has(topic.name)} onChange={() => toggle(topic.name)} />
                <Dot color={topic.color} />
                <bdi>{topic.name}</bdi>
              </label>
            </li>
          ))}
        </ul>
        <label class="field">
          {t('newTopic')}
          <input value={fresh} maxLength={100} onInput={(event) => setFresh(event.currentTarget.value)} />
        </label>
        <Wrong text={wrong} />
        <footer>
          <button type="button" onClick={onClose}>{t('cancel')}</button>
          <button class="main">{t('save')}</button>
        </footer>
      </form>
    </Dialog>
  )
}
