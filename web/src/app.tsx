import { useState } from 'preact/hooks'
import { t } from './i18n'
import { Banner } from './parts/banner'
import { Drop } from './parts/drop'
import { Empty } from './parts/empty'
import { Header } from './parts/header'
import { Sidebar } from './parts/sidebar'
import { Toasts } from './parts/toasts'
import { Uploads } from './parts/uploads'
import { here } from './state/router'
import { signedOut } from './state/session'
import { DocumentView } from './views/document'
import { DocumentsView } from './views/documents'
import { SettingsView } from './views/settings'
import { SignIn } from './views/signin'
import { StatusView } from './views/status'
import { TopicsView } from './views/topics'

export function App() {
  const [menu, setMenu] = useState(false)
  return (
    <>
      <a class="skip" href="#main" onClick={() => document.getElementById('main')?.focus()}>{t('skip')}</a>
      <Header onMenu={() => setMenu(!menu)} menu={menu} />
      <Sidebar open={menu} onClose={() => setMenu(false)} />
      <main id="main" tabIndex={-1}>
        <Banner />
        <View path={here.value.pathname} />
      </main>
      <Uploads />
      <Toasts />
      <Drop />
      {signedOut.value && <SignIn />}
    </>
  )
}

function View({ path }: { path: string }) {
  const id = /^\/documents\/([0-9a-f-]{36})$/.exec(path)?.[1]
  if (id) return <DocumentView key={id} id={id} />
  switch (path) {
    case '/': case '/trash': return <DocumentsView />
    case '/topics': return <TopicsView />
    case '/settings': return <SettingsView />
    case '/status': return <StatusView />
  }
  return <Missing />
}

export function Missing() {
  return (
    <Empty heading="h1" icon="search" title={t('missing')} text={t('missingDo')}>
      <a class="button main" href="/">{t('toDocuments')}</a>
    </Empty>
  )
}
