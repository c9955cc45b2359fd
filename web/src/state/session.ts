import { signal } from '@preact/signals'
import { returns } from './connection'

// signedOut says that the vault wants its token. What is open stays as it is below the question, so nothing typed is lost.
export const signedOut = signal(false)

export function signedIn() {
  signedOut.value = false
  returns.value++
}
