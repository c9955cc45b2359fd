import { useState } from 'preact/hooks'
import type { ComponentChildren } from 'preact'
import { api, type DocWithText } from '../api/api'
import { bytes, kind, languageName, moment, number, percent, t, type Key } from '../i18n'
import { Dot } from '../parts/chip'
import { Picker } from '../parts/picker'
import { topicsByName } from '../state/topics'

// Details are the topics of a document and what is known of it.
export function Details({ document: doc, onChange }: { document: DocWithText; onChange: () => void }) {
  const [picking, setPicking] = useState(false)
  return (
    <aside class="details">
      <section>
        <h2>{t('topics')}</h2>
        {doc.topics.length === 0 && <p class="note">{t('noTopics')}</p>}
        <ul class="filed">
          {doc.topics.map((name) => <Filed key={name} name={name} certainty={doc.classification.confidence[name]} />)}
        </ul>
        <Filing document={doc} />
        <button type="button" onClick={() => setPicking(true)}>{t('changeTopics')}</button>
      </section>
      <section>
        <h2>{t('facts')}</h2>
        <dl>
          <Fact label="type">{kind(doc.mime_type)}</Fact>
          <Fact label="size">{bytes(doc.size)}</Fact>
          {doc.page_count > 0 && <Fact label="pageCount">{number(doc.page_count)}</Fact>}
          {doc.language && <Fact label="language">{languageName(doc.language)}</Fact>}
          <Fact label="added"><time dateTime={doc.created_at}>{moment(doc.created_at)}</time></Fact>
          <Fact label="changed"><time dateTime={doc.updated_at}>{moment(doc.updated_at)}</time></Fact>
          <Fact label="fingerprint"><code>{doc.sha256}</code></Fact>
        </dl>
      </section>
      {picking && (
        <Picker
          title={t('topicsOf', { name: doc.original_name })} chosen={doc.topics} onClose={() => setPicking(false)}
          onSave={async (names) => {
            await api.file(doc.id, names)
            onChange()
          }}
        />
      )}
    </aside>
  )
}

function Fact({ label, children }: { label: Key; children: ComponentChildren }) {
  return <div><dt>{t(label)}</dt><dd>{children}</dd></div>
}

function Filed({ name, certainty }: { name: string; certainty: number | undefined }) {
  return (
    <li>
      <a href={`/?topic=${encodeURIComponent(name)}`}><Dot color={topicsByName.value.get(name)?.color ?? 'transparent'} /><bdi>{name}</bdi></a>
      <small>{certainty === undefined ? t('byHand') : t('certainty', { percent: percent(certainty) })}</small>
    </li>
  )
}

// Filing says who filed the document, or why nobody did.
function Filing({ document: { classification, topics, extracted_text: text } }: { document: DocWithText }) {
  if (classification.status === 'pending') return <p class="note">{t('asked')}</p>
  if (classification.status === 'skipped' && topics.length === 0) return <p class="note">{t(text.trim() ? 'skippedNoTopics' : 'skippedNoText')}</p>
  if (!classification.provider) return null
  if (classification.status === 'done' && topics.length === 0) return <p class="note">{t('noneChosen', { by: t(`provider.${classification.provider}` as Key) })}</p>
  if (Object.keys(classification.confidence).length === 0) return null
  const by = t(`filedBy.${classification.provider}` as Key)
  return <p class="note">{by}{classification.model && ` (${classification.model})`}</p>
}
