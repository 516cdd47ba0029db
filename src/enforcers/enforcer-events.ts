/**
 * The events that enforcers report: how each is logged, and which degraded mode begins or ends with
 * it.
 */

type EventKind = {
  readonly level: 'info' | 'warn' | 'error';
  /** The log's words. */
  readonly says: string;
  readonly mode: 'cdb' | 'watch';
  readonly begins: boolean;
};

export const enforcerEvents = {
  notCompiled: {
    level: 'error',
    says: 'cdb not compiled, the old one stays',
    mode: 'cdb',
    begins: true,
  },
  compiledAgain: { level: 'info', says: 'cdb compiled again', mode: 'cdb', begins: false },
  cannotWatch: { level: 'warn', says: 'cannot watch', mode: 'watch', begins: true },
  watchesAgain: { level: 'info', says: 'watches again', mode: 'watch', begins: false },
} as const satisfies Record<string, EventKind>;

export type EnforcerEvent = keyof typeof enforcerEvents;

/** `detail` is for people: a path, or what went wrong. */
export type EnforcerListener = (event: EnforcerEvent, detail: string) => void;
