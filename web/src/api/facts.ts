// What the server wrote into the page: see runtime/web. Vite's own server writes nothing.
interface Facts {
  max_upload_bytes: number
  token: boolean
  trash: boolean
}

function read(): Facts {
  const written = document.querySelector<HTMLMetaElement>('meta[name=vault]')?.content
  return written ? (JSON.parse(written) as Facts) : { max_upload_bytes: Infinity, token: true, trash: true }
}

export const facts = read()
