/** The administrator's rules for tcprules(1): lines that do not do what they seem to say. */
import { type Address, parseNetwork } from '../../core/address.ts';
import { readFile } from '../../files/read-file.ts';
import { type Finding, problem, someOf } from '../../health/finding.ts';
import { errnoOf } from '../../runtime/errors.ts';
import { quoted } from '../../runtime/log.ts';
import { programIn } from '../../runtime/program-in.ts';
import { deadRules } from './dead-rules.ts';
import { type ForeignLine, type Mistake, parseRules } from './tcprules.ts';
import { refusalOfTcprules, tcprulesTakesIPv6 } from './tcprules-ipv6.ts';

const carriageReturns = /\r$/gm;

function linesWithoutColon(source: string, text: string): Finding[] {
  const ignored = text.split('\n').flatMap((line, index) => {
    const isRule = line.trim() !== '' && !line.startsWith('#') && !line.includes(':');
    return isRule ? [`line ${index + 1} ${quoted(line)}`] : [];
  });
  if (ignored.length === 0) return [];
  const what = `${source}: tcprules ignores what has no colon: ${someOf(ignored)}`;
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

/** How djb's tcprules says a network of whole octets. */
function prefixOf({ octets, prefixLength }: Address): string | undefined {
  if (![8, 16, 24].includes(prefixLength)) return undefined;
  return `${octets.slice(0, prefixLength / 8).join('.')}.`;
}

function foreignLine(source: string, { line, text }: ForeignLine): Finding {
  const written = text.slice(0, text.search(/:(?:allow|deny)/));
  const network = parseNetwork(written);
  const where = `${source}:${line}: ${quoted(written)}`;
  if (network?.family === 4 || !written.includes(':')) {
    const prefix = network && prefixOf(network);
    const instead = prefix ? `write ${prefix}` : 'write prefixes such as 192.0.2. and ranges';
    return problem(
      `${where}: the installed tcprules accepts networks in this notation, and they never match`,
      `${instead} instead, or install ucspi-tcp6`,
    );
  }
  return problem(
    `${where}: the installed tcprules refuses IPv6, so the cdb stays as it was and no block gets in`,
    'remove the line, or install ucspi-tcp6',
  );
}

function foreignLines(
  source: string,
  lines: readonly ForeignLine[],
  searchPath: string,
): Finding[] {
  if (lines.length === 0) return [];
  if (!programIn(searchPath, 'tcprules')) {
    const what = `${source}:${lines[0]?.line}: IPv6 and CIDR lines need tcprules, which is not in PATH`;
    return [problem(`${what}, so the cdb stays as it was`, 'install ucspi-tcp or ucspi-tcp6')];
  }
  return tcprulesTakesIPv6(source) ? [] : lines.map((line) => foreignLine(source, line));
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
  const { foreign, mistakes } = parseRules(Buffer.from(bare, 'latin1'));
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
    ...foreignLines(source, foreign, searchPath),
  ];
}
