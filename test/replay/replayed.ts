/** Replays connections that a test makes up, through a real log file and configuration. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/load-config.ts';
import { type Replay, type ReplayOptions, replay } from '../../src/replay/replay.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';

export const startMs = Date.parse('2026-11-29T00:00:00Z');

/** Seconds after the start, and who. */
export type Connection = readonly [atSeconds: number, from: string];

export function logText(connections: readonly Connection[]): string {
  const lines = connections.map(([seconds, from], index) => {
    const stamp = new Date(startMs + seconds * 1000).toISOString();
    return `${stamp} tcpsvd: info: pid ${index} from ${from}\n`;
  });
  return lines.join('');
}

export function configFile(text: string): string {
  const file = join(temporaryDirectory(), 'rater.conf');
  writeFileSync(file, text);
  return file;
}

export async function replayed(
  config: string,
  log: string,
  options: Partial<ReplayOptions> = {},
): Promise<Replay> {
  const path = join(temporaryDirectory(), 'log');
  writeFileSync(path, log);
  return replay({
    ...{ paths: [path], config: loadConfig(configFile(config)), clock: systemClock },
    ...options,
  });
}
