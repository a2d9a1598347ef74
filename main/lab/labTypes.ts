/**
 * The seam between the service layer and the shells: what a shell hands to the lab and what it gets back.
 *
 * A shell holds no behaviour of its own: it carries requests to {@link Lab.handlers}, carries events to the page, and lends the
 * lab the few things that only a shell has (native dialogs, the place of user data).
 */
import type { EventName, Events, Handlers } from '../../preload/contract'

/** What a shell hands to `createLab`. */
export interface LabOptions {
  /** The built worker in which the emulated machine runs. */
  workerUrl: URL
  /** Folder for journals, the recent list and settings; it is created if it is missing. */
  userData: string
  /** Folders of the content that is shipped with the lab. */
  contentDirs: { scenarios: string; exercises: string }
  shell: 'electron' | 'browser' | 'test'
  /** Native dialogs, only where the shell has them. They answer with a path, or null if the user cancelled. */
  dialogs?: { open(kind: 'document' | 'files'): Promise<string | null>; save(name: string): Promise<string | null> }
  /** Takes one line for the developer's log. */
  log(line: string): void
}

/** The service layer as a shell sees it. */
export interface Lab {
  handlers: Handlers
  /** Calls `listener` for every event from now on; the returned function ends that. */
  subscribe(listener: <E extends EventName>(name: E, body: Events[E]) => void): () => void
  /** Opens a document that the operating system, the command line or a second start handed over. */
  openPath(path: string): Promise<void>
  /** What the title bar shows. */
  title(): { name: string; unsaved: boolean; path: string | null }
  /** Writes the journal and stops the worker; afterwards nothing that was done is lost. */
  close(): Promise<void>
}
