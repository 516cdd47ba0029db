/** What a configuration that was read again cannot change while rater runs. */
import type { Config } from './config.ts';
import { settingValues } from './setting-values.ts';

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

/** The names of the settings that `fresh` has otherwise than `inUse`, and that stay. */
export function fixedChanges(inUse: Config, fresh: Config): string[] {
  const kept = keepFixed(inUse, fresh);
  return Object.entries(settingValues).flatMap(([group, values]) => {
    const changed = Object.entries(values).filter(([, { get }]) => {
      return JSON.stringify(get(kept)) !== JSON.stringify(get(fresh));
    });
    return changed.map(([name]) => `${group}.${name}`);
  });
}
