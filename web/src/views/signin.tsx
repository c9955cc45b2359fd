import { useEffect, useState } from 'preact/hooks'
import { api } from '../api/api'
import { Problem } from '../api/problem'
import { explain, t } from '../i18n'
import { Dialog } from '../parts/dialog'
import { Wrong } from '../parts/wrong'
import { signedIn } from '../state/session'

// SignIn asks for the token over whatever is open. The token goes to the server and is kept nowhere here.
export function SignIn() {
  const [wrong, setWrong] = useState('')
  const [busy, setBusy] = useState(false)
  // Who signed in in another window is signed in here.
  useEffect(() => {
    const look = () => { if (!document.hidden) void api.topics().then(signedIn, () => undefined) }
    document.addEventListener('visibilitychange', look)
    return () => document.removeEventListener('visibilitychange', look)
  }, [])
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const token = new FormData(event.currentTarget as HTMLFormElement).get('token') as string
    setBusy(true)
    setWrong('')
    try {
      await api.signIn(token.trim())
      signedIn()
    } catch (error) {
      setWrong(error instanceof Problem && error.status === 401 ? t('wrongToken') : explain(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dialog title={t('signIn')}>
      <form onSubmit={submit}>
        <p>{t('signInSays')}</p>
        <label class="field">
          {t('token')}
          <input name="token" type="password" required autocomplete="current-password" autoFocus />
        </label>
        <Wrong text={wrong} />
        <footer><button class="main" disabled={busy}>{t('signIn')}</button></footer>
      </form>
    </Dialog>
  )
}
