import { Icon } from './icon'

// Wrong says what did not work, and is read out when it comes.
export function Wrong({ text }: { text: string }) {
  return <p class="wrong" role="alert">{text && <><Icon name="warning" />{text}</>}</p>
}
