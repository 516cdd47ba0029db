/** What an administrator may copy into his own scripts, and the client of 2007. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { patientRatecheck, run } from '../ratecheck/programs.ts';
import { freePort } from '../run/free-port.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { missing } from '../run/unless.ts';
import { startRater } from '../system/real-rater.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

describe('etc/examples/rate-limit.sh', () => {
  const script = join(root, 'etc/examples/rate-limit.sh');
  const configuration = 'limits : { user: ( ("*", 600, 2) ); };';

  async function limited(socket: string, ...words: string[]) {
    const directory = temporaryDirectory();
    patientRatecheck(directory);
    const env = { PATH: `${directory}:/usr/bin:/bin`, RATER_SOCKET: socket };
    return run([script, ...words], { env });
  }

  test('runs the command, until somebody does it too often', async () => {
    const { socket } = await startRater(temporaryDirectory(), configuration);
    const words = ['user', `ros' "ario`, 'echo', 'a  b', '-n'];
    expect(await limited(socket, ...words)).toMatchObject({ status: 0, stdout: 'a  b -n\n' });
    expect(await limited(socket, ...words)).toMatchObject({ status: 0 });
    expect(await limited(socket, ...words)).toMatchObject({
      status: 75,
      stdout: '',
      stderr: 'rate-limit: too often, 1 3/2\n',
    });
    const other = await limited(socket, 'user', 'x', 'sh', '-c', 'exit 3');
    expect(other).toMatchObject({ status: 3, stderr: '' });
  });

  test('runs it as well when there is no answer, or an error', async () => {
    const without = await limited('/nonexistent', 'user', 'a', 'echo', 'done');
    expect(without).toMatchObject({ status: 0, stdout: 'done\n' });
    expect(without.stderr).toContain('rate-limit: not limited: no answer\n');
    const { socket } = await startRater(temporaryDirectory(), configuration);
    const unknown = await limited(socket, 'nix', 'a', 'echo', 'done');
    expect(unknown).toMatchObject({ status: 0, stdout: 'done\n' });
    expect(unknown.stderr).toBe('rate-limit: not limited: 2 Class not found: nix\n');
  });

  test('says how it is used', async () => {
    expect(await limited('/nonexistent', 'user', 'a')).toMatchObject({ status: 100 });
  });
});

describe('the client of 2007', () => {
  /** What sends standard input to a TCP port and prints what comes back; bash is everywhere. */
  const clients = [
    { name: 'nc', words: (port: number) => `nc 127.0.0.1 ${port}` },
    { name: 'socat', words: (port: number) => `socat -t 10 - TCP:127.0.0.1:${port}` },
    {
      name: 'bash',
      words: (port: number) => `bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}; cat >&3; cat <&3'`,
    },
  ].filter(({ name }) => !missing(name));

  /** Its configuration, but for the ports and where the sockets are. */
  async function sample(directory: string, port: number): Promise<string> {
    const text = readFileSync(join(root, 'test/fixtures/rater-2007-long.conf'), 'utf8');
    const controlPort = await freePort();
    return text
      .replace('1999', `${port}`)
      .replace('4445', `${controlPort}`)
      .replace('settings : {', `settings : { socket: "${directory}/rater.sock";`);
  }

  test('there is one to try', () => {
    expect(clients.length).toBeGreaterThan(0);
  });

  test.each(clients)('with $name gets the replies it knows', async ({ words }) => {
    const directory = temporaryDirectory();
    const port = await freePort();
    await startRater(directory, await sample(directory, port));
    const ask = async (line: string) => {
      return (await run(['sh', '-c', `printf '${line}' | ${words(port)}`])).stdout;
    };
    expect(await ask('ip 10.0.0.1\\n')).toBe('0 1/20\r\n');
    expect(await ask('ip 10.0.0.1\\n')).toBe('0 2/20\r\n');
    expect(await ask('user rosario\\n')).toBe('0 1/20\r\n');
    expect(await ask('user x\\n')).toBe('0 1/2\r\n');
    expect(await ask('ip 192.0.2.1\\nip 192.0.2.1\\n')).toBe('0 1/1\r\n');
    expect(await ask('ip 192.0.2.1\\n')).toBe('1 2/1\r\n');
    expect(await ask('nix 1\\n')).toBe('2 Class not found: nix\r\n');
  });
});
