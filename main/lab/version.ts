/** Names of what made a result: they go into results and documents. */

/** Version of the application; a test holds it to `package.json`. */
export const applicationVersion = '0.1.0'
/** Kernel revision that the model follows: r349529 … r349532 are the commits it is about. */
export const modelRevision = '13.0-CURRENT r349532'
