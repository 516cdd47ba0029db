/** What a configuration that was read again cannot change while rater runs. */
import type { Config } from '../config/config.ts';

/** `fresh` with what is fixed as it is in use: listeners, files, and how servers are told. */
export function keepFixed(inUse: Config, fresh: Config): Config {
  const { logLevel, maxAge } = fresh.settings;
  const { peers, tcprules, mode, message } = inUse.blocking;
  return {
    ...fresh,
    settings: { ...inUse.settings, logLevel, maxAge },
    blocking: { ...fresh.blocking, peers, tcprules, mode, message },
  };
}

/** Whether the fixed part of two configurations is the same. */
export function isSameFixed(one: Config, other: Config): boolean {
  const fixedOf = ({ settings, blocking: { peers, tcprules, mode, message } }: Config) => {
    return JSON.stringify([settings, peers, tcprules, mode, message]);
  };
  return fixedOf(keepFixed(one, other)) === fixedOf(other);
}
