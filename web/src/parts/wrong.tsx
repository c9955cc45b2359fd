import { useEffect } from 'preact/hooks'
import type { Away, Problem } from '../api/problem'
import { explain, t } from '../i18n'
import { Icon } from './icon'

// Wrong says what did not work, and is read out when it comes.
export function Wrong({ text }: { text: string }) {
  return <p class="wrong" role="alert">{text && <><Icon name="warning" />{text}</>}</p>
}

const againAfter = 5000

// useAgain does it again soon, after a problem that may pass. Whether the vault is back, and who signs in, is looked after elsewhere.
export function useAgain(problem: Problem | Away | undefined, again: () => void) {
  useEffect(() => {
    if (!problem || !('status' in problem) || (problem.status < 500 && problem.status !== 429)) return
    const timer = setTimeout(again, againAfter)
    return () => clearTimeout(timer)
  }, [problem])
}

// Again says what could not be read below what was, and reads it again. A lost connection has its banner.
export function Again({ problem, again }: { problem: Problem | Away | undefined; again: () => void }) {
  useAgain(problem, again)
  const shown = problem && 'status' in problem && problem.status !== 401
  return (
    <div class="again">
      <Wrong text={shown ? explain(problem) : ''} />
      {shown && <button type="button" onClick={again}>{t('retry')}</button>}
    </div>
  )
}
