/** The addresses and networks that the administrator's rules refuse. */
import { readFile } from '../../files/read-file.ts';
import { errnoOf } from '../../runtime/errors.ts';
import type { Denial } from '../enforcer-kind.ts';
import { addressOfKey, deniedBy, isDenial, parseRules } from './tcprules.ts';

/** Empty when the file does not exist. Throws other errors of the file system. */
export function denialsInRules(source: string): Denial[] {
  let text: Buffer;
  try {
    text = readFile(source);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
  const { records, foreign, mistakes } = parseRules(text);
  const seen = new Set<string>();
  const keys = records.flatMap(([key, data]) => {
    const text = Buffer.from(key).toString('latin1');
    const isFirst = !seen.has(text);
    seen.add(text);
    const address = isFirst && isDenial(data) ? addressOfKey(text) : undefined;
    return address ? [address] : [];
  });
  const others = [...foreign, ...mistakes].flatMap((line) => {
    const address = deniedBy(line);
    return address === undefined || address === 'unknown' ? [] : [address];
  });
  return [...keys, ...others].map((address) => ({ address, where: source }));
}
