import { isolate, percent, t } from '../i18n'
import { topicsByName } from '../state/topics'

// Dot is a topic's colour. The name beside it says the same to those who do not see it.
export function Dot({ color }: { color: string }) {
  return <span class="dot" style={{ backgroundColor: color }} />
}

export function Chip({ name, certainty }: { name: string; certainty?: number | undefined }) {
  return (
    <span class="chip" title={certainty === undefined ? name : `${isolate(name)}: ${t('certainty', { percent: percent(certainty) })}`}>
      <Dot color={topicsByName.value.get(name)?.color ?? 'transparent'} />
      <bdi>{name}</bdi>
    </span>
  )
}
