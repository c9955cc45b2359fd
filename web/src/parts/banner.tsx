import { t } from '../i18n'
import { away } from '../state/connection'
import { Icon } from './icon'

// Banner says that the connection is lost, while it is.
export function Banner() {
  return <div role="status" class={away.value ? 'banner' : ''}>{away.value && <><Icon name="warning" />{t('away')}</>}</div>
}
