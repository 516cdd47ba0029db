/**
 * Whether the servers of this machine obey: that one is told of blocks at all, and that those which
 * use our files ask rater, and those which ask rater use our files.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { schema } from '../../config/schema.ts';
import { kinds } from '../../enforcers/kinds.ts';
import { type Finding, hint, problem, someOf } from '../../health/finding.ts';
import { quoted } from '../../runtime/log.ts';
import type { Check, Installation } from '../check.ts';
import { ratecheckOptions, type ServerCommand, serverCommands } from '../server-commands.ts';
import { isSame, real, shown, type Use, usedBy, usedByOurs } from '../used-files.ts';

const pluginList = 'var/qmail/control/smtpplugins';

function toldNone({ enforcers }: Installation): Finding[] {
  if (enforcers.length > 0) return [];
  const names = kinds.map(({ name }) => `blocking.${name}`);
  const what = `no server is told of blocks: neither ${names.join(' nor ')} is configured`;
  const effect = 'what stops a client is ratecheck alone';
  return [problem(`${what}, so ${effect}`, `set ${names.join(' or ')}, and restart rater`)];
}

/** What rater writes for the program, as that is given it. */
function oursFor(program: string, { enforcers }: Installation): Use[] {
  const servers = enforcers.flatMap((each) => each.servers);
  const fitting = servers.filter((server) => server.program === program);
  return fitting.flatMap(usedByOurs);
}

/** At the socket of this rater; undefined: it cannot be told. */
function asksUs(words: ReadonlyMap<string, string>, { config }: Installation): boolean | undefined {
  const { socket } = config.settings;
  const given = words.get('s');
  if (given?.includes('$')) return undefined;
  if (given !== undefined) return real(given) === real(socket);
  return socket === schema.settings.socket.fallback || undefined;
}

function hasPlugin(root: string): boolean {
  try {
    return readFileSync(join(root, pluginList), 'latin1').includes('spp-ipthrottle');
  } catch {
    return false;
  }
}

/** What is wrong with the command, without where it is. */
function mistakeOf(command: ServerCommand, site: Installation): Finding | undefined {
  const { program, runs } = command;
  const used = usedBy(command);
  if (!used) return undefined;
  const wanted = oursFor(program, site);
  const use = used.find((each) => wanted.some((own) => isSame(each, own)));
  const check = ratecheckOptions(runs);
  const asks = check && asksUs(check, site);
  if (use && !check && !hasPlugin(site.root)) {
    const what = `${program} ${shown(use)} runs no ratecheck: its clients are not counted`;
    return problem(what, `${program} ... ratecheck ${someOf(runs.slice(0, 1))} ...`);
  }
  if (use && asks === false) {
    const what = `${program} ${shown(use)} runs a ratecheck that asks elsewhere`;
    return problem(what, `ratecheck -s ${quoted(site.config.settings.socket)}, or without -s`);
  }
  if (use || !asks || site.enforcers.length === 0) return undefined;
  const [own] = wanted;
  const remedy = own
    ? `${program} ${shown(own)}`
    : `configure what ${program} reads, or use another server`;
  const [other] = used;
  return other
    ? problem(
        `${program} asks rater, but reads ${shown(other)}, which rater does not write`,
        remedy,
      )
    : hint(`${program} asks rater, but drops no client by itself`, remedy);
}

function mistakes(site: Installation): Finding[] {
  const found = new Map<string, { readonly finding: Finding; readonly where: string[] }>();
  for (const command of serverCommands(site.root)) {
    const finding = mistakeOf(command, site);
    if (!finding) continue;
    const { where } = found.get(finding.what) ?? { where: [] };
    found.set(finding.what, { finding, where: [...where, command.where] });
  }
  return [...found.values()].map(({ finding, where }) => {
    return { ...finding, what: `${someOf(where)}: ${finding.what}` };
  });
}

export const servers: Check = {
  name: 'servers',
  looksAt: 'the servers',
  run: (site) => [...toldNone(site), ...mistakes(site)],
};
