/** The settings that a reload cannot change while rater runs. */
import { type Config, configOf } from './config.ts';
import { singleRows, withValue, writtenValue } from './setting-values.ts';

/** `fresh` with the fixed settings as they are in use. */
export function keepFixed(inUse: Config, fresh: Config): Config {
  const changing = singleRows.filter(({ changes }) => changes !== 'restart');
  const written = changing.reduce((kept, row) => {
    return withValue(kept, row, writtenValue(fresh.written, row));
  }, inUse.written);
  return configOf(fresh, written);
}

/** The names of the fixed settings in which `fresh` differs from `inUse`. */
export function fixedChanges(inUse: Config, fresh: Config): string[] {
  const changed = singleRows.filter((row) => {
    const [old, wanted] = [inUse, fresh].map(({ written }) => writtenValue(written, row));
    return row.changes === 'restart' && JSON.stringify(old) !== JSON.stringify(wanted);
  });
  return changed.map(({ group, name }) => `${group}.${name}`);
}
