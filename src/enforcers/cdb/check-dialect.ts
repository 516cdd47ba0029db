/**
 * Whether a cdb is in its server's dialect. Given the other, a server silently lets everybody in.
 */
import { readFile } from '../../files/read-file.ts';
import { type Finding, problem } from '../../health/finding.ts';
import { errnoOf } from '../../runtime/errors.ts';
import { quoted } from '../../runtime/log.ts';
import { type CdbRecord, recordsInCdb, textOf } from './cdb.ts';
import { type Dialect, dialects } from './dialects.ts';

const again = 'have it compiled again: restart rater, or ipthrottle reap while it is down';

function shown([key]: CdbRecord): string {
  const text = textOf(key);
  return text === '' ? 'the empty default key' : `key ${quoted(text)}`;
}

export function checkDialect(path: string, own: Dialect): Finding[] {
  let records: CdbRecord[];
  try {
    records = recordsInCdb(readFile(path));
  } catch (error) {
    const isMissing = errnoOf(error) === 'ENOENT';
    if (!isMissing && !(error instanceof RangeError)) throw error;
    const what = isMissing ? `there is no ${path}` : `${path} is not a complete cdb`;
    return [problem(`${what}: ${own.server} drops every client`, again)];
  }
  const foreign = records.filter((record) => !own.speaks(record));
  const [first] = foreign;
  if (!first) return [];
  const other = dialects.find((each) => each !== own && foreign.some(each.speaks));
  const maker = other ? `it looks like one of ${other.compiler}` : 'it is from neither compiler';
  const what = `${path} is not for ${own.server}: ${maker} (${shown(first)}), and lets everybody in`;
  return [problem(what, `${again}; let nothing but rater write it`)];
}
