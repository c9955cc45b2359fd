import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

// A Stack is a vault of a test's own, on the servers that hack/services has started: database, bucket, Redis, API and worker.
export interface Stack {
  url: string
  api: Program
  worker: Program
  sql: (statements: string) => void
  close: () => Promise<void>
}

// need is a variable of `hack/services env`, or what hack/web-test has built.
export function need(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set: run make test-web`)
  return value
}

export async function startStack(more: Record<string, string> = {}): Promise<Stack> {
  const name = `page_${randomBytes(5).toString('hex')}`
  const directory = mkdtempSync(join(tmpdir(), 'docvault-page-'))
  const admin = new URL(need('TEST_POSTGRES_URL'))
  const login = (role: string) => `postgresql://${name}_${role}:${role}-password@${admin.host}/${name}?sslmode=disable`
  const redisPort = await freePort()
  const redis = spawn(need('TEST_REDIS_SERVER'), ['--port', String(redisPort), '--bind', '127.0.0.1', '--save', '', '--dir', directory], { stdio: 'ignore' })
  const environment = {
    PATH: need('PATH'), HOME: need('HOME'),
    POSTGRES_ADMIN_URL: admin.href, DATABASE_URL: login('app'), DATABASE_MIGRATE_URL: login('migrate'),
    REDIS_URL: `redis://127.0.0.1:${redisPort}/0`,
    MINIO_ENDPOINT: need('TEST_MINIO_ENDPOINT'), MINIO_BUCKET: name.replace('_', '-'),
    MINIO_ROOT_USER: need('TEST_MINIO_ROOT_USER'), MINIO_ROOT_PASSWORD: need('TEST_MINIO_ROOT_PASSWORD'),
    MINIO_ACCESS_KEY: `key-${name.slice(5)}`, MINIO_SECRET_KEY: 'secret-key-of-the-page',
    SECRET_KEY: randomBytes(32).toString('hex'), LISTEN_ADDR: `127.0.0.1:${await freePort()}`, METRICS_ADDR: '127.0.0.1:0',
    ...more,
  }
  for (const command of ['provision', 'migrate']) {
    const ran = spawnSync(need('DOCVAULT'), [command], { env: environment, encoding: 'utf8' })
    if (ran.status !== 0) throw new Error(`docvault ${command}: ${ran.stdout}${ran.stderr}`)
  }
  const api = new Program('api', environment)
  const worker = new Program('worker', environment)
  await Promise.all([api.start(), worker.start()])
  return {
    url: `http://${environment.LISTEN_ADDR}`, api, worker,
    sql: (statements) => psql(login('migrate'), statements),
    close: async () => {
      await Promise.all([api.stop(), worker.stop()])
      redis.kill()
      psql(admin.href, `DROP DATABASE ${name} WITH (FORCE)`)
      rmSync(directory, { recursive: true })
    },
  }
}

function psql(url: string, statements: string) {
  const ran = spawnSync('psql', ['--no-psqlrc', '--quiet', '-v', 'ON_ERROR_STOP=1', '-d', url], { input: statements, encoding: 'utf8' })
  if (ran.status !== 0) throw new Error(`psql: ${ran.stderr}`)
}

// A Program is one of the two, and can be stopped and started as an outage is.
export class Program {
  private process: ChildProcess | undefined
  private readonly log: string[] = []

  constructor(private readonly command: string, private readonly environment: Record<string, string>) {}

  // start waits until it answers.
  async start(): Promise<void> {
    const child = (this.process = spawn(need('DOCVAULT'), [this.command], { env: this.environment, stdio: ['ignore', 'pipe', 'pipe'] }))
    await new Promise<void>((ready, failed) => {
      const read = (line: string) => {
        this.log.push(line)
        if (line.includes(this.command === 'api' ? '"server":"api"' : '"msg":"listening"')) ready()
      }
      createInterface(child.stdout).on('line', read)
      createInterface(child.stderr).on('line', read)
      child.once('exit', () => failed(new Error(`docvault ${this.command} ended:\n${this.log.slice(-20).join('\n')}`)))
    })
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.process
    if (child?.exitCode !== null || child.signalCode !== null) return // one that was killed has no code
    const ended = new Promise((done) => child.once('exit', done))
    child.kill(signal)
    await ended
  }
}

function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer()
    server.once('error', failed)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (address && typeof address === 'object' ? done(address.port) : failed(new Error('no port'))))
    })
  })
}
