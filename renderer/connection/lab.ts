/**
 * The one client of this window. Stores ask through {@link lab}; tests put a client with a fake port here.
 */
import { createClient } from './client'
import type { Client } from './client'

let current: Client = createClient()

/** The client in use. */
export function lab(): Client {
  return current
}

/** Replaces the client (tests only). */
export function useClient(client: Client): void {
  current = client
}
