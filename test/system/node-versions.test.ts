/**
 * Guarantee: one build of the native transport serves all versions of Node. The programs `node` in
 * $NODES, a list like $PATH, are tried; test/soak/versions.sh fetches some.
 *
 * Tests: src/transport/addon.c
 */
import { spawnSync } from 'node:child_process';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { loadNativeTransport } from '../../src/daemon/listeners/native-transport.ts';
import { builtRatecheck } from '../ratecheck/programs.ts';
import { unless } from '../run/unless.ts';
import { ask, connected, nextText } from './line-client.ts';
import { RunningProgram } from './running-program.ts';
import { Site } from './site.ts';

const nodes = (process.env.NODES ?? '').split(delimiter).filter((node) => node !== '');
const native = loadNativeTransport();
const reason =
  'trouble' in native
    ? `no native transport: ${native.trouble}`
    : nodes.length === 0
      ? 'no other versions of Node in $NODES'
      : undefined;
const programs = fileURLToPath(new URL('../../bin/', import.meta.url));

let site: Site;

describe('the native transport', unless(reason), () => {
  afterEach(() => site.stop());

  const run = (file: string, ...args: string[]) => {
    return spawnSync(file, args, { cwd: site.directory, encoding: 'utf8' }).stdout;
  };

  test.each(reason ? ['other'] : nodes)('serves rater run by %s', async (node) => {
    // The driver of the database is built for one version, and is needed only where there is a server.
    site = new Site();
    site.configure(
      `settings : { socket: "rater.sock"; db_path: "rater.db"; };
       limits : { user: ( ("*", 60, 20) ); };
       classes : { user: { concurrent: 1; }; };`,
    );
    const rater = new RunningProgram({
      command: [node, `${programs}rater`, '-c', 'rater.conf'],
      directory: site.directory,
    });
    onTestFinished(() => rater.end());
    await rater.says(/all in force/);
    const socket = site.path('rater.sock');
    const status = JSON.parse(
      run(node, `${programs}ipthrottle`, '-c', 'rater.conf', 'status', '--json'),
    );
    expect(status).toMatchObject({ transport: 'native', transportTrouble: null });

    const lines = Array.from({ length: 4 }, () => 'user a\n');
    expect(await ask({ path: socket }, lines)).toBe('0 1/20\r\n0 2/20\r\n0 3/20\r\n0 4/20\r\n');
    expect(run(builtRatecheck(), '-s', socket, '-t', '60000', '-n', 'user', 'a')).toBe('0 5/20\n');

    const session = await connected({ path: socket });
    const reply = nextText(session);
    session.write('+user a\n');
    expect(await reply).toBe('0 6/20\r\n');
    expect(await ask({ path: socket }, ['+user a\n'], { endFirst: false })).toBe('1 2/1\r\n');
    session.destroy();

    await rater.killedBy('SIGTERM');
    expect(rater.exitCode).toBe(0);
    expect(rater.said).not.toMatch(/bug/);
  });
});
