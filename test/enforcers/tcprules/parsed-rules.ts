/** All that a rules source says, at once: the records that compile-rules.ts writes, and the rest. */
import { type OtherLines, readRules } from '../../../src/enforcers/tcprules/tcprules.ts';
import { doNow } from '../../../src/runtime/work.ts';

type ParsedRules = OtherLines & { readonly records: (readonly [key: string, data: string])[] };

/** `source` is Latin-1. */
export function parsedRules(source: string): ParsedRules {
  const records: (readonly [string, string])[] = [];
  const others = doNow(
    readRules(source, ({ keys, data }) => {
      for (const key of keys) records.push([key, data]);
    }),
  );
  return { records, ...others };
}
