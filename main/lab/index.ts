/** What the shells use of the lab. */
export { createLab } from './createLab'
export type { Lab, LabOptions } from './labTypes'
