/** The administrator's rules for tcprules(1): lines that do not do what they seem to say. */
import { readFile } from '../../files/read-file.ts';
import { type Finding, problem, someOf } from '../../health/finding.ts';
import { errnoOf } from '../../runtime/errors.ts';
import { quoted } from '../../runtime/log.ts';
import { doNow } from '../../runtime/work.ts';
import { checkForeignLines } from './check-foreign-lines.ts';
import { deadRules } from './dead-rules.ts';
import { refusalOfTcprules } from './installed-tcprules.ts';
import { type Mistake, readRules } from './tcprules.ts';

const carriageReturns = /\r$/gm;

function linesWithoutColon(source: string, text: string): Finding[] {
  const ignored = text.split('\n').flatMap((line, index) => {
    const isRule = line.trim() !== '' && !line.startsWith('#') && !line.includes(':');
    return isRule ? [`line ${index + 1} ${quoted(line)}`] : [];
  });
  if (ignored.length === 0) return [];
  const what = `${source}: tcprules ignores lines without a colon: ${someOf(ignored)}`;
  return [problem(what, 'write ADDRESS:deny or ADDRESS:allow, or put # in front')];
}

const maxDead = 20;

/** Each by itself, so that it is said what would match. */
function doNothing(source: string, text: string): Finding[] {
  const lines = text.split('\n');
  const dead = deadRules(text);
  const found = dead.slice(0, maxDead).map(({ line, why, remedy }) => {
    const shown = quoted(lines[line - 1] ?? '');
    return problem(`${source}:${line}: ${shown} does not do what it says: ${why}`, remedy);
  });
  const left = dead.length - found.length;
  if (left <= 0) return found;
  const what = `${source}: ${left} more lines do not do what they say`;
  return [...found, problem(what, 'correct those above and ask again')];
}

/** The lines that neither djb's tcprules nor the installed one takes. */
function refusedLines(source: string, mistakes: readonly Mistake[]): Finding[] {
  const refused = mistakes.flatMap(({ line, text, what }) => {
    const why = refusalOfTcprules(source, text);
    return why === undefined ? [] : [{ shown: `line ${line}, ${what}`, why }];
  });
  const [first] = refused;
  if (!first) return [];
  const wrong = someOf(refused.map(({ shown }) => shown));
  const what = `${source} cannot be compiled, so the cdb stays as it was: ${wrong}; ${first.why}`;
  return [problem(what, 'correct these lines')];
}

export function checkRules(source: string, searchPath: string): Finding[] {
  let text: string;
  try {
    text = readFile(source).toString('latin1');
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    const remedy = `create it; one that lets everybody in says :allow`;
    return [problem(`there is no ${source}, so no block gets into the cdb`, remedy)];
  }
  const bare = text.replace(carriageReturns, '');
  const { foreign, mistakes } = doNow(readRules(bare));
  return [
    ...(bare === text
      ? []
      : [
          problem(
            `${source} has lines that end in CR LF, which tcprules does not understand`,
            `sed -i 's/\\r$//' ${source}`,
          ),
        ]),
    ...linesWithoutColon(source, bare),
    ...refusedLines(source, mistakes),
    ...doNothing(source, bare),
    ...checkForeignLines(source, foreign, searchPath),
  ];
}
