/**
 * The service layer: answers every request of the contract, owns the open session, its document and its journal. Shells carry requests here and
 * events away; nothing of a shell is known here but its dialogs.
 */
import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type {
  ContractError,
  EventName,
  Events,
  Handlers,
  RecoverableSession,
  SessionState,
} from '../../preload/contract'
import { comparisonCsv, comparisonHtml, comparisonMarkdown } from './compareReport'
import { writeAtomic } from './document/atomicFile'
import { extension } from './document/format'
import { Journal, readJournals, recoverableOf, removeJournal, type ReadJournal } from './document/journal'
import { readDocument } from './document/read'
import { writeDocument, type SeriesCache } from './document/write'
import { exerciseSummaries, loadExercise } from './exercise/load'
import type { Exercise } from './exercise/schema'
import type { LoadedFiles } from './files'
import { listFolder } from './folders'
import type { Lab, LabOptions } from './labTypes'
import { makeFolder } from './makeFolder'
import { seriesInfo } from './metrics'
import { fileProblem, LabProblem, textOf } from './problem'
import { loadScenarioFiles } from './scenario/config'
import { loadScenario, scenarioNames, summaryOf } from './scenario/load'
import { newModel, type SessionModel } from './session/model'
import { Session } from './session/session'
import { embeddable, filesFromDocument, findFiles, referenceOf, rememberPlace, withDigests } from './session/userFiles'
import { UserData } from './userData'
import { applicationVersion, modelRevision } from './version'

/** Virtual seconds per wall second of a new session: slow enough to watch single bursts come and go. */
const firstSpeed = 0.01
/** Largest document that is read. */
const maxDocumentBytes = 1 << 30

type Listener = <E extends EventName>(name: E, body: Events[E]) => void

/** Starts the service layer. A session that was open with unsaved changes when the lab was last closed is opened again. */
export async function createLab(options: LabOptions): Promise<Lab> {
  const service = new Service(options)
  await service.start()
  return service.lab()
}

class Service {
  private readonly listeners = new Set<Listener>()
  private readonly userData: UserData
  private session: Session | null = null
  /** Requests that open, save or close a session take turns. */
  private turn: Promise<unknown> = Promise.resolve()

  constructor(private readonly options: LabOptions) {
    this.userData = new UserData(options.userData)
  }

  async start(): Promise<void> {
    makeFolder(this.userData.folder, 0o700)
    for (const journal of await readJournals(this.userData.journals)) {
      // What was saved, and what nobody did anything in, is not kept, however it ended.
      if (!journal.model.unsaved) await removeJournal(this.userData.journals, journal.id)
      else if (journal.closed && this.session === null)
        await this.resume(journal).catch((error: unknown) => this.options.log(`not opened again: ${textOf(error)}`))
    }
  }

  lab(): Lab {
    return {
      handlers: this.handlers(),
      subscribe: (listener) => {
        this.listeners.add(listener)
        return () => this.listeners.delete(listener)
      },
      openPath: async (path) => {
        await this.inTurn(() => this.openDocument(path, false))
      },
      title: () => {
        const model = this.session?.model
        return { name: model?.name ?? '', unsaved: model?.unsaved ?? false, path: model?.path ?? null }
      },
      close: () => this.inTurn(() => this.closeSession(false)),
    }
  }

  private emit<E extends EventName>(name: E, body: Events[E]): void {
    for (const listener of this.listeners) listener(name, body)
  }

  private warn(error: unknown): void {
    if (error instanceof LabProblem) this.emit('problem', { ...error.toContract(), level: 'warn' })
    else this.options.log(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work, work)
    this.turn = result.catch(() => {})
    return result
  }

  private open(): Session {
    if (this.session === null)
      throw new LabProblem('no-session', 'No session is open.', 'Start a new one or open a document.')
    return this.session
  }

  // -------------------------------------------------------------------------------------------------------------- sessions

  /** Makes a session the open one. The one before is closed; what was unsaved in it stays recoverable. */
  private async use(
    model: SessionModel,
    files: LoadedFiles,
    more: {
      series?: { names: string[]; branches: SeriesCache[] } | null
      exercise?: Exercise | null
      journal?: string
    },
  ): Promise<Session> {
    await this.closeSession(true)
    const session = new Session(model, {
      workerUrl: this.options.workerUrl,
      files,
      series: more.series ?? null,
      exercise: more.exercise ?? null,
      emit: (name, body) => {
        if (this.session === session) this.emit(name, body)
      },
      log: (line) => this.options.log(line),
    })
    this.session = session
    const broken = (problem: LabProblem): void => this.emit('problem', { ...problem.toContract(), level: 'warn' })
    try {
      session.journal =
        more.journal === undefined
          ? await Journal.begin(this.userData.journals, () => session.model, broken)
          : await Journal.resume(this.userData.journals, more.journal, () => session.model, broken)
    } catch (error) {
      // Without a journal one can work, but a crash costs what was not saved: that must be said.
      const problem =
        error instanceof LabProblem ? error : new LabProblem('journal-broken', textOf(error), 'Save often.')
      broken(new LabProblem('journal-broken', `There is no recovery journal: ${problem.message}`, problem.remedy))
    }
    void this.digestLater(session)
    return session
  }

  /** SHA-256 of the user's files, while the session is open already. */
  private async digestLater(session: Session): Promise<void> {
    const files = await withDigests(session.model.files, session.files)
    if (files === session.model.files || this.session !== session) return
    await session.commit({ op: 'files', files })
    await rememberPlace(this.userData.folder, files)
  }

  /**
   * Closes the open session, if any.
   * @param replaced another one takes its place; otherwise the lab ends, and the session comes back by itself at the next start
   */
  private async closeSession(replaced: boolean): Promise<void> {
    const session = this.session
    if (session === null) return
    await session.close()
    this.session = null
    const { journal } = session
    if (journal === null) return
    if (!session.model.unsaved) await journal.remove()
    else if (replaced) await journal.leave()
    else await journal.close()
  }

  private async create(request: {
    scenario: string
    seed?: number
    files?: string
    exercise?: string
  }): Promise<SessionState> {
    const { contentDirs } = this.options
    const exercise = request.exercise === undefined ? null : loadExercise(request.exercise, contentDirs.exercises)
    const loaded = loadScenario(exercise?.scenario ?? request.scenario, contentDirs.scenarios)
    const scenario = structuredClone(loaded.scenario)
    if (request.seed !== undefined) scenario.seed = request.seed
    const files = await loadScenarioFiles(scenario, loaded.folder, request.files)
    if (files.source.kind === 'disk') delete scenario.files.generate
    const model = newModel({
      name: exercise?.id ?? loaded.id,
      scenarioId: loaded.id,
      scenario,
      files: referenceOf(files),
      now: new Date(),
    })
    model.speed = exercise?.speed ?? firstSpeed
    const session = await this.use(model, files, {})
    await session.whenReady()
    if (exercise !== null) await session.startExercise(exercise)
    return session.state()
  }

  private exerciseOf(model: SessionModel): Exercise | null {
    if (model.exercise === null) return null
    try {
      return loadExercise(model.exercise.id, this.options.contentDirs.exercises)
    } catch (error) {
      this.warn(error)
      return null
    }
  }

  private async openDocument(path: string, keepGoodPart: boolean): Promise<SessionState> {
    const absolute = resolve(path)
    const bytes = await readWhole(absolute)
    const previous = this.previousOf(absolute)
    const read = readDocument(bytes, absolute, { keepGoodPart, previous })
    const { model } = read
    let files: LoadedFiles
    if (read.files === undefined) files = await loadScenarioFiles(model.scenario, dirname(absolute))
    else {
      const list = read.files.list.map(({ name, bytes: size, sha256 }) => ({ name, size, sha256 }))
      let place: string | null = null
      if (read.embedded !== null) files = filesFromDocument(read.files, read.embedded)
      else {
        const found = await findFiles({ ...read.files, files: list }, absolute, this.userData.folder)
        files = found.files
        place = found.path
      }
      model.files = { kind: 'disk', path: place, folder: read.files.folder, name: read.files.name, files: list }
    }
    model.unsaved = keepGoodPart && read.remarks.length > 0
    model.savedAt = Math.floor((await stat(absolute)).mtimeMs)
    const series = read.revision === modelRevision && !keepGoodPart ? read.series : null
    const session = await this.use(model, files, { series, exercise: this.exerciseOf(model) })
    await this.userData.remember(absolute, Date.now()).catch((error: unknown) => this.warn(error))
    for (const message of read.remarks)
      this.emit('problem', {
        level: 'warn',
        code: 'document-repaired',
        message,
        remedy: 'Save under another name to keep it so.',
      })
    if (read.revision !== modelRevision)
      this.emit('problem', {
        level: 'warn',
        code: 'other-revision',
        message: `${basename(path)} was computed with the model ${read.revision}; it is computed again with ${modelRevision}.`,
        remedy: 'Numbers may differ from those that were saved.',
      })
    return session.state()
  }

  private async resume(journal: ReadJournal): Promise<SessionState> {
    const { model } = journal
    const files =
      model.files.kind === 'generated'
        ? await loadScenarioFiles(model.scenario, null)
        : (await findFiles(model.files, model.path, this.userData.folder)).files
    const session = await this.use(model, files, { exercise: this.exerciseOf(model), journal: journal.id })
    return session.state()
  }

  private previousOf(path: string): string {
    // Documents of the same name in different folders must not push each other out.
    return join(this.userData.previous, createHash('sha256').update(dirname(path)).digest('hex').slice(0, 12))
  }

  private async save(request: { path?: string; as?: boolean }): Promise<{ path: string; savedAt: number } | null> {
    const session = this.open()
    let path = request.path ?? (request.as === true ? undefined : (session.model.path ?? undefined))
    if (path === undefined) {
      const { dialogs } = this.options
      if (dialogs === undefined)
        throw new LabProblem('path-needed', 'The session has no file yet.', 'Choose a folder and a name.')
      const chosen = await dialogs.save(`${session.model.name}${extension}`)
      if (chosen === null) return null
      path = chosen
    }
    path = resolve(path.endsWith(extension) ? path : path + extension)
    session.use('save')
    // What the exercise makes of it belongs into this document: judged later it would make the session unsaved again.
    session.judge()
    session.noteReached()
    const files = await withDigests(session.model.files, session.files)
    if (files !== session.model.files) await session.commit({ op: 'files', files })
    const name = basename(path, extension)
    if (name !== session.model.name) await session.commit({ op: 'rename', name })
    const bytes = writeDocument(
      {
        model: session.model,
        application: applicationVersion,
        revision: modelRevision,
        embed: embeddable(session.files),
        series: session.seriesCache(),
      },
      path,
    )
    await writeAtomic(path, bytes, { previous: this.previousOf(path) })
    const savedAt = Date.now()
    await session.commit({ op: 'saved', path, at: savedAt })
    await rememberPlace(this.userData.folder, session.model.files)
    await this.userData.remember(path, savedAt).catch((error: unknown) => this.warn(error))
    return { path, savedAt }
  }

  private async recoverable(): Promise<RecoverableSession[]> {
    const present = this.session?.journal?.id
    const journals = await readJournals(this.userData.journals)
    return journals.filter(({ id, model }) => id !== present && model.unsaved).map(recoverableOf)
  }

  private async recover(id: string, action: 'open' | 'discard'): Promise<SessionState | null> {
    const journal = (await readJournals(this.userData.journals)).find((entry) => entry.id === id)
    if (journal === undefined || id === this.session?.journal?.id)
      throw new LabProblem('recovery-missing', 'This session is not there any more.', 'Choose another one.')
    if (action === 'open') return this.resume(journal)
    await removeJournal(this.userData.journals, id)
    return null
  }

  /**
   * Reads from the open session. One that is being replaced does not answer any more: then its successor does, so that a window that asks all
   * the time never sees an error because it asked in between.
   */
  private async read<T>(ask: (session: Session) => Promise<T> | T): Promise<T> {
    const { session, turn } = this
    try {
      return await ask(this.open())
    } catch (error) {
      const { code } = error as Partial<ContractError>
      if (code !== 'closed' && code !== 'no-session') throw error
      await turn
      if (this.session === session) throw error
      return ask(this.open())
    }
  }

  // -------------------------------------------------------------------------------------------------------------- handlers

  private handlers(): Handlers {
    const { contentDirs, dialogs, shell } = this.options
    return {
      'app.info': () => ({
        contractVersion: 1,
        version: applicationVersion,
        revision: modelRevision,
        shell,
        platform: process.platform,
        runtime:
          process.versions['electron'] === undefined
            ? `Node ${process.versions.node}`
            : `Electron ${process.versions['electron']}`,
        nativeDialogs: dialogs !== undefined,
      }),
      'scenario.list': () =>
        scenarioNames(contentDirs.scenarios).map((name) => summaryOf(loadScenario(name, contentDirs.scenarios))),
      'exercise.list': () => exerciseSummaries(contentDirs.exercises, (problem) => this.warn(problem)),
      'metrics.list': () => seriesInfo(),
      'settings.read': () => this.userData.settings(),
      'settings.write': async ({ settings }) => {
        await this.userData.writeSettings(settings)
        return null
      },

      'session.new': (request) => this.inTurn(() => this.create(request)),
      'session.open': ({ path, keepGoodPart }) =>
        this.inTurn(async () => {
          const chosen = path ?? (await this.askForDocument())
          return chosen === null ? null : this.openDocument(chosen, keepGoodPart ?? false)
        }),
      'session.save': (request) => this.inTurn(() => this.save(request)),
      'session.state': () => this.session?.state() ?? null,
      'session.rename': async ({ name }) => {
        await this.open().commit({ op: 'rename', name })
        return this.open().state()
      },
      'session.recent': () => this.userData.recent(),
      'session.forgetRecent': ({ path }) => this.userData.forget(path),
      'session.recoverable': () => this.recoverable(),
      'session.recover': ({ id, action }) => this.inTurn(() => this.recover(id, action)),
      'session.texts': async ({ notes, report }) => {
        await this.open().commit({
          op: 'texts',
          ...(notes !== undefined && { notes }),
          ...(report !== undefined && { report }),
        })
        return null
      },
      'session.layout': async ({ layout }) => {
        await this.open().commit({ op: 'layout', layout })
        return null
      },
      'files.list': ({ path, extensions }) => listFolder(path, extensions),

      'run.control': ({ action, count }) => this.open().control(action, count),
      'run.until': ({ t }) => this.open().until(t),
      'run.speed': ({ speed }) => this.open().speed(speed),
      'run.load': ({ on, branch }) => this.open().load(on, branch),
      'run.undo': () => this.inTurn(() => this.open().undo()),
      'run.redo': () => this.inTurn(() => this.open().redo()),
      'run.mark': ({ branch, text }) => this.open().mark(branch, text),

      'branch.fork': ({ from, t, name, command }) => this.inTurn(() => this.open().fork(from, t, name, command)),
      'branch.delete': ({ letter }) => this.inTurn(() => this.open().remove(letter)),
      'branch.rename': async ({ letter, name }) => {
        await this.open().commit({ op: 'branchName', branch: letter, name })
        return this.open().state()
      },
      'branch.baseline': async ({ letter }) => {
        await this.open().commit({ op: 'baseline', branch: letter })
        return this.open().state()
      },

      'console.execute': ({ branch, text, origin }) => this.open().execute(branch, text, origin),
      'console.complete': ({ branch, text, cursor }) => this.read((session) => session.complete(branch, text, cursor)),
      'console.interrupt': ({ branch }) => this.open().interrupt(branch),

      'host.state': ({ branch }) => this.read((session) => session.hostState(branch)),
      sendPath: ({ branch, connection }) => this.read((session) => session.sendPath(branch, connection)),
      chains: ({ branch, chain, byte }) => this.read((session) => session.chains(branch, chain, byte)),
      series: ({ branch, from }) => this.read((session) => session.series(branch, from)),
      watch: ({ sendPath, connection }) => this.read((session) => session.watch(sendPath, connection)),
      compare: ({ branches, align, per }) => {
        const comparison = this.open().compare(branches, align, per)
        this.open().use('compare')
        return comparison
      },
      'compare.report': ({ branches, format }) => {
        const session = this.open()
        const comparison = session.compare(branches)
        const title = `${session.model.name}: ${branches.join(' and ')}`
        const text =
          format === 'html'
            ? comparisonHtml(comparison, title)
            : format === 'md'
              ? comparisonMarkdown(comparison, title)
              : comparisonCsv(comparison)
        return { name: `${session.model.name}-${branches.join('')}.${format}`, text }
      },

      'exercise.start': ({ id }) => this.inTurn(() => this.create({ scenario: '', exercise: id })),
      'exercise.step': ({ step }) => this.open().exerciseStep(step),
      'exercise.predict': ({ id, value }) => this.open().predict(id, value),
      'exercise.answer': ({ id, value }) => this.open().answer(id, value),
      'exercise.close': () => this.open().closeExercise(),
    }
  }

  private async askForDocument(): Promise<string | null> {
    const { dialogs } = this.options
    if (dialogs === undefined) throw new LabProblem('path-needed', 'No document was named.', 'Choose a .nomaplab file.')
    return dialogs.open('document')
  }
}

async function readWhole(path: string): Promise<Uint8Array> {
  try {
    const facts = await stat(path)
    if (facts.isDirectory()) throw new LabProblem('file-is-folder', `${path} is a folder.`, 'Choose a .nomaplab file.')
    if (facts.size > maxDocumentBytes)
      throw new LabProblem(
        'document-too-large',
        `${path} is larger than any document of nomap lab.`,
        'Choose a .nomaplab file.',
      )
    return await readFile(path)
  } catch (error) {
    if (error instanceof LabProblem) throw error
    throw (
      fileProblem(error, path, 'read') ??
      new LabProblem('file-unreadable', `${path} cannot be read (${textOf(error)}).`, 'Choose another file.')
    )
  }
}
