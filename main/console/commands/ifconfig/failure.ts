/** Ends a run of ifconfig: `ifconfig: text`, exit status 1. */
export class Failure extends Error {}
