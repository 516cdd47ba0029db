/** The addresses and networks that the administrator's rules refuse. */
import { readFile } from '../../files/read-file.ts';
import { errnoOf } from '../../runtime/errors.ts';
import { doNow } from '../../runtime/work.ts';
import type { Denial } from '../enforcer-kind.ts';
import { addressOfKey, deniedBy, noteDecisions, readRules } from './tcprules.ts';

/** Empty when the file does not exist. Throws other errors of the file system. */
export function denialsInRules(source: string): Denial[] {
  let text: string;
  try {
    text = readFile(source).toString('latin1');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
  const decides = new Map<string, boolean>();
  const { foreign, mistakes } = doNow(readRules(text, noteDecisions(decides)));
  const keys = [...decides].flatMap(([key, isDenied]) => (isDenied && addressOfKey(key)) || []);
  const others = [...foreign, ...mistakes].flatMap((line) => {
    const address = deniedBy(line);
    return address === undefined || address === 'unknown' ? [] : [address];
  });
  return [...keys, ...others].map((address) => ({ address, where: source }));
}
