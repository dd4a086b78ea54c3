/** `FILE.mjs#EXPORT`: the file, and the name of what it exports. */
export const MODULE = /^(.+\.m?js)(?:#(.*))?$/;

/** Whether this names a model that can only be asked: a function, an endpoint or a program. */
export function isQueried(model: string): boolean {
  return /^(https?:|cmd:)/.test(model) || MODULE.test(model);
}
