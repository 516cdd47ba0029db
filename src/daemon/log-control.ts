/** What the command `log` does with the daemon's log. */
import { isAbsolute } from 'node:path';
import type { DaemonLogControl } from '../commands/running-daemon.ts';
import { type History, operator } from '../history/history.ts';
import { Fault, reasonOf } from '../runtime/errors.ts';
import { quoted } from '../runtime/log.ts';
import { type DaemonLog, logLevels } from './daemon-log.ts';

function open(work: () => void): void {
  try {
    work();
  } catch (error) {
    throw new Fault('usage', `cannot log there: ${reasonOf(error)}`, error);
  }
}

/** `level` gives the level in use, `setLevel` changes it; `onOpened` is called after a file is opened. */
export function logControl(
  log: DaemonLog,
  level: () => number,
  setLevel: (level: number, by: string | undefined) => void,
  onOpened: () => void,
  history: History,
): DaemonLogControl {
  return {
    state() {
      const number = level();
      const levelName = logLevels[number] ?? '';
      return { level: number, levelName, file: log.file ?? 'stderr', format: log.format };
    },
    setLevel(text, by) {
      const number = /^[0-4]$/.test(text)
        ? Number(text)
        : (logLevels as readonly string[]).indexOf(text);
      if (number < 0) {
        throw new Fault(
          'usage',
          `no such level: ${quoted(text)}; 0 to 4, or ${logLevels.join(', ')}`,
        );
      }
      setLevel(number, by);
    },
    moveTo(file, by = operator) {
      if (file !== 'stderr' && !isAbsolute(file)) {
        throw new Fault('usage', `not an absolute path: ${quoted(file)}`);
      }
      const from = log.file ?? 'stderr';
      open(() => log.moveTo(file === 'stderr' ? undefined : file));
      onOpened();
      log.warn('changed', { name: 'log', from, to: file });
      history.note({ event: 'changed', value: 'log', by, reason: `${from} -> ${file}` });
    },
    reopen() {
      open(() => log.reopen());
      onOpened();
    },
  };
}
