/**
 * What Prometheus is told, by the command, in the file and by HTTP, read by the real promtool and the
 * real Prometheus.
 *
 * Tests: src/commands/metric-families.ts, src/commands/metrics.ts, src/daemon/metrics-file.ts
 * Tests: src/daemon/listeners/metrics-server.ts, src/blocks/block-tally.ts
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { debianPackages } from '../run/debian-packages.ts';
import { freePort } from '../run/free-port.ts';
import { unless } from '../run/unless.ts';
import { ask, connected } from './line-client.ts';
import { RunningProgram, until } from './running-program.ts';
import { Site } from './site.ts';

const { reason, bin, environment } = debianPackages('prometheus');
const rules = fileURLToPath(new URL('../../etc/prometheus/ipthrottle.rules.yml', import.meta.url));
const dashboard = fileURLToPath(new URL('../../etc/grafana/ipthrottle.json', import.meta.url));

let site: Site;
const sockets: Socket[] = [];
const programs: RunningProgram[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const program of programs.splice(0)) await program.end();
  await site?.stop();
});

/** A site whose rater.conf has this group `metrics`. */
function siteWith(metrics: string, limits = 'ip: ( ("*", 60, 3) ); user: ( ("*", 60, 2) );'): Site {
  const made = new Site();
  made.configure(
    [
      'settings : { socket: "rater.sock"; db_path: "blocks.db"; };',
      `limits : { ${limits} };`,
      'blocking : { time: 120; peers: "peers"; };',
      `metrics : { ${metrics} };`,
    ].join('\n'),
  );
  return made;
}

function say(...lines: string[]): Promise<string> {
  return ask({ path: site.path('rater.sock') }, [lines.map((line) => `${line}\n`).join('')]);
}

type Answer = { readonly status: number; readonly type: string; readonly body: string };

function get(where: { socketPath: string } | { port: number }, path = '/metrics', method = 'GET') {
  return new Promise<Answer>((resolve, reject) => {
    const asked = request({ ...where, host: '127.0.0.1', path, method }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => {
        const type = String(response.headers['content-type']);
        resolve({ status: response.statusCode ?? 0, type, body });
      });
    });
    asked.on('error', reject).end();
  });
}

/** The value of a series as it is written, such as `x_total{class="ip"}`. */
function seriesValue(text: string, series: string): number {
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  if (line === undefined) throw new Error(`there is no ${series} in\n${text}`);
  return Number(line.slice(series.length + 1));
}

function seriesIn(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

function promtool(args: readonly string[], input = '') {
  const { status, stdout, stderr } = spawnSync(join(bin, 'promtool'), args, {
    input,
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
  return { status, said: stdout + stderr };
}

test('counts checks by class and verdict, blocks by source, and how they ended', async () => {
  site = siteWith('');
  await site.startRater();
  await say(...Array<string>(5).fill('ip 192.0.2.1'), ...Array<string>(3).fill('user a'));
  await say('ip no-address', 'other x');
  await site.ipthrottle('block', '192.0.2.2', '--for', '60');
  await site.ipthrottle('unblock', '192.0.2.1');
  const { exit, stdout } = await site.ipthrottle('metrics');
  expect(exit).toBe(0);
  const count = (series: string) => seriesValue(stdout, `ipthrottle_${series}`);
  expect(count('checks_total{class="ip",verdict="within"}')).toBe(3);
  expect(count('checks_total{class="ip",verdict="blocked"}')).toBe(2);
  expect(count('checks_total{class="ip",verdict="errors"}')).toBe(1);
  expect(count('checks_total{class="user",verdict="exceeded"}')).toBe(1);
  expect(count('checks_total{class="-",verdict="errors"}')).toBe(1);
  expect(count('check_duration_seconds_count')).toBe(10);
  expect(count('check_duration_seconds_bucket{le="+Inf"}')).toBe(10);
  expect(count('check_duration_seconds_sum')).toBeGreaterThan(0);
  expect(count('blocks')).toBe(1);
  expect(count('blocks_made_total{source="rate"}')).toBe(1);
  expect(count('blocks_made_total{source="operator"}')).toBe(1);
  expect(count('block_seconds_total{source="rate"}')).toBe(120);
  expect(count('block_seconds_total{source="operator"}')).toBe(60);
  expect(count('blocks_ended_total{cause="unblocked"}')).toBe(1);
  expect(count('enforcing')).toBe(1);
  expect(count('degraded{mode="database"}')).toBe(0);
});

test('promtool finds nothing to say about them', unless(reason), async () => {
  site = siteWith('');
  await site.startRater();
  await say('ip 192.0.2.1');
  const { stdout } = await site.ipthrottle('metrics');
  expect(promtool(['check', 'metrics'], stdout)).toEqual({ status: 0, said: '' });
});

test('has at most 200 series, whatever the configuration and the clients, and never says who', async () => {
  const classes = Array.from({ length: 60 }, (_, index) => `c${index}: ( ("*", 60, 2) );`);
  site = siteWith('', `ip: ( ("*", 60, 2) ); ${classes.join(' ')}`);
  await site.startRater();
  for (let block = 0; block < 20; block += 1) {
    const lines = Array.from({ length: 500 }, (_, index) => [
      `ip 10.0.${block}.${index % 250}`,
      `c${index % 60} someone${index}`,
      `unknown${index} x`,
    ]);
    await say(...lines.flat());
  }
  const { stdout } = await site.ipthrottle('metrics');
  expect(seriesIn(stdout).length).toBeLessThanOrEqual(200);
  expect(stdout).not.toMatch(/\b10\.0\.|someone|unknown/);
  expect(
    seriesValue(stdout, 'ipthrottle_checks_total{class="other",verdict="within"}'),
  ).toBeGreaterThan(0);
});

test('the file is replaced, readable by all, and gone with rater', async () => {
  site = siteWith('file: "ipthrottle.prom"; every: 1;');
  const path = site.path('ipthrottle.prom');
  const rater = await site.startRater();
  const checks = () => {
    if (!existsSync(path)) return -1;
    const text = readFileSync(path, 'utf8');
    expect(text.endsWith('\n')).toBe(true);
    return seriesValue(text, 'ipthrottle_checks_total{class="ip",verdict="within"}');
  };
  await until('the file to be there', () => checks() === 0);
  await say('ip 192.0.2.1');
  await until('the file to tell of a check', () => checks() === 1);
  expect(statSync(path).mode & 0o777).toBe(0o644);
  await rater.killedBy('SIGTERM');
  expect(existsSync(path)).toBe(false);
});

test('trouble with the file is told, and over when it can be written', async () => {
  site = siteWith('file: "not/there/ipthrottle.prom"; every: 1;');
  const rater = await site.startRater();
  await rater.says(/^rater: error: trouble: part="file of metrics" what="cannot replace /m);
  expect((await site.ipthrottle('status')).stdout).toMatch(/^trouble: file of metrics: /m);
  spawnSync('mkdir', ['-p', site.path('not/there')]);
  await rater.says(/^rater: info: recovered: part="file of metrics"/m);
});

test('answers GET /metrics on its socket and its port, and nothing else', async () => {
  const port = await freePort();
  site = siteWith(`socket: "metrics.sock"; port: ${port};`);
  await site.startRater();
  const socketPath = site.path('metrics.sock');
  for (const where of [{ socketPath }, { port }]) {
    const answer = await get(where);
    expect(answer.status).toBe(200);
    expect(answer.type).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(seriesValue(answer.body, 'ipthrottle_blocks')).toBe(0);
    expect((await get(where, '/metrics?x=1')).status).toBe(200);
    expect((await get(where, '/')).status).toBe(404);
    expect((await get(where, '/metrics', 'POST')).status).toBe(405);
    expect((await get(where, '/metrics', 'HEAD')).body).toBe('');
  }
  expect(statSync(socketPath).mode & 0o777).toBe(0o660);
});

test('silent and many scrapers keep no check from being answered, and let others in again', async () => {
  const port = await freePort();
  site = siteWith(`port: ${port};`);
  await site.startRater();
  for (let index = 0; index < 40; index += 1) {
    const socket = await connected({ host: '127.0.0.1', port });
    socket.on('error', () => {});
    if (index % 2 === 0) socket.write('GET /metrics HTTP/1.1\r\n');
    sockets.push(socket);
  }
  expect(await say('ip 192.0.2.1')).toBe('0 1/3\r\n');
  await until('a scrape to be answered', async () => {
    return get({ port }).then(
      ({ status }) => status === 200,
      () => false,
    );
  });
});

test('an address that is not loopback is a mistake', async () => {
  site = siteWith('address: "192.0.2.1"; port: 9999;');
  const { exit, stderr } = await site.ipthrottle('metrics');
  expect(exit).toBe(100);
  expect(stderr).toContain('rater.conf:4: metrics.address 192.0.2.1 is not a loopback address');
});

test('a real Prometheus scrapes them, and loads the alert rules', unless(reason), async () => {
  const [port, own] = [await freePort(), await freePort()];
  site = siteWith(`port: ${port};`);
  await site.startRater();
  await say(...Array<string>(5).fill('ip 192.0.2.1'));
  const config = [
    'global: { scrape_interval: 1s, evaluation_interval: 1s }',
    `rule_files: [ ${JSON.stringify(rules)} ]`,
    'scrape_configs:',
    '  - job_name: ipthrottle',
    `    static_configs: [ { targets: [ "127.0.0.1:${port}" ] } ]`,
  ];
  writeFileSync(site.path('prometheus.yml'), `${config.join('\n')}\n`);
  const prometheus = new RunningProgram({
    command: [
      join(bin, 'prometheus'),
      `--config.file=${site.path('prometheus.yml')}`,
      `--storage.tsdb.path=${site.path('tsdb')}`,
      `--web.listen-address=127.0.0.1:${own}`,
    ],
    directory: site.directory,
    environment,
  });
  programs.push(prometheus);
  const query = (text: string) => `/api/v1/query?query=${encodeURIComponent(text)}`;
  const blocked = 'ipthrottle_checks_total{class="ip",verdict="blocked"}';
  await until(
    () => `Prometheus to know of two refusals: ${prometheus.said}`,
    async () => {
      try {
        const { body } = await get({ port: own }, query(blocked));
        return JSON.parse(body).data.result[0]?.value[1] === '2';
      } catch {
        return false;
      }
    },
  );
  const { body } = await get({ port: own }, '/api/v1/rules');
  const [group] = JSON.parse(body).data.groups;
  expect(group.rules.map(({ name }: { name: string }) => name)).toContain('IpthrottleFailsOpen');
  // Each panel of the dashboard asks something that Prometheus understands.
  const { panels } = JSON.parse(readFileSync(dashboard, 'utf8'));
  for (const { targets } of panels) {
    for (const { expr } of targets) {
      const asked = await get({ port: own }, query(expr.replaceAll('$instance', '.*')));
      expect(asked.status, expr).toBe(200);
    }
  }
});

test('each alert rule fires when it should, and not before', unless(reason), () => {
  site = siteWith('');
  const alert = (name: string, at: string, labels = '') => `
      - eval_time: ${at}
        alertname: ${name}
        exp_alerts: [ ${labels} ]`;
  const text = `
rule_files: [ ${JSON.stringify(rules)} ]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - { series: 'up{job="ipthrottle"}', values: '1 1 1 0x10' }
      - { series: 'ipthrottle_failed_open_total', values: '0x5 1x20' }
      - { series: 'ipthrottle_degraded{mode="database"}', values: '0x3 1x20' }
      - { series: 'ipthrottle_enforcing', values: '1x5 0x100' }
      - { series: 'ipthrottle_enforcement_lag_seconds{enforcer="x"}', values: '0x3 31x5' }
    promql_expr_test: []
    alert_rule_test:${alert('IpthrottleDown', '3m')}${alert('IpthrottleFailsOpen', '5m')}${alert(
      'IpthrottleDegraded',
      '5m',
    )}${alert('IpthrottleOnlyLogs', '60m')}`;
  writeFileSync(site.path('before.yml'), text);
  expect(promtool(['test', 'rules', site.path('before.yml')])).toMatchObject({ status: 0 });
  // The same alerts a little later: promtool would have to find them absent, and does not.
  const later = text
    .replace('eval_time: 3m', 'eval_time: 6m')
    .replace('eval_time: 5m', 'eval_time: 8m')
    .replace('eval_time: 5m', 'eval_time: 8m')
    .replace('eval_time: 60m', 'eval_time: 80m');
  writeFileSync(site.path('later.yml'), later);
  const { status, said } = promtool(['test', 'rules', site.path('later.yml')]);
  expect(status).not.toBe(0);
  for (const name of ['Down', 'FailsOpen', 'Degraded', 'OnlyLogs']) {
    expect(said).toContain(`alertname: Ipthrottle${name}`);
  }
});
