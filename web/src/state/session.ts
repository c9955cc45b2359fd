import { signal } from '@preact/signals'
import { returns } from './connection'

// signedOut says that the vault wants its token. What is open stays as it is below the question, so nothing typed is lost.
export const signedOut = signal(false)

let sessions = 0

// asking answers with what is to be called if the vault wants its token. It does nothing once somebody has signed in since.
export function asking(): () => void {
  const before = sessions
  return () => { if (sessions === before) signedOut.value = true }
}

export function signedIn() {
  sessions++
  signedOut.value = false
  returns.value++
}
