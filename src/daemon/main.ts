/** The program `rater`: options, signals, exit code. */
import { isatty } from 'node:tty';
import { Command, CommanderError } from 'commander';
import type { Config, Settings } from '../config/config.ts';
import { checkConfig } from '../config/load-config.ts';
import { placesOf } from '../enforcers/kinds.ts';
import { Health } from '../health/health.ts';
import { systemClock } from '../runtime/clock.ts';
import { exitCodes, Fault, faults, reasonOf } from '../runtime/errors.ts';
import { leaveWith, usageLine, version } from '../runtime/program.ts';
import { type DriverTrouble, driverTroubleAtStart, lostWithout } from '../store/driver.ts';
import { type DaemonLog, daemonLog, writingPart } from './daemon-log.ts';
import { Rater } from './rater.ts';

const program = new Command('rater')
  .configureOutput({ outputError: usageLine('rater') })
  .description('count, judge and block: the daemon of ipthrottle')
  .requiredOption('-c, --config <file>', 'configuration, see rater.conf(5)')
  .option('--check', 'report every mistake in the configuration, and what is doubtful, and exit')
  .version(version, '-V, --version')
  .allowExcessArguments(false)
  .exitOverride();

function complain(lines: readonly string[]): void {
  for (const line of lines) process.stderr.write(`${line}\n`);
}

/** The configuration, or undefined after printing its mistakes on stderr. */
function configFrom(file: string): Config | undefined {
  const { config, mistakes } = checkConfig(file);
  complain(mistakes);
  return config;
}

/** The log, and the health that logs there and knows of the log's own trouble. @throws Fault `log` */
async function openLog(
  settings: Settings,
): Promise<{ readonly log: DaemonLog; readonly health: Health }> {
  const { log: file, logLevel: level, logFormat } = settings;
  const human = file === undefined && isatty(2);
  const format = logFormat === 'auto' ? (human ? 'human' : 'plain') : logFormat;
  try {
    const log = await daemonLog({
      file,
      level,
      format,
      onBroken: (why) => health.note('log', writingPart, why),
      onMended: () => health.ended('log', writingPart),
    });
    const health = new Health(log, systemClock);
    return { log, health };
  } catch (error) {
    throw new Fault('log', reasonOf(error), error);
  }
}

/** What is lost without the driver, and what helps. */
function doubtOf({ what, remedy }: DriverTrouble, { settings }: Config): string {
  const lost = lostWithout(settings.dbPath);
  return `rater: warning: ${faults.driver.sentence}: ${what}: ${lost}: ${remedy}`;
}

async function serve(config: Config, trouble: DriverTrouble | undefined): Promise<void> {
  process.umask(0o077);
  const { log, health } = await openLog(config.settings);
  const rater = new Rater(config, log, health, trouble);
  const end = (signal: NodeJS.Signals) => {
    rater.stop(signal).then(
      () => process.exit(exitCodes.done.code),
      (error: unknown) => process.exit(leaveWith('rater', error)),
    );
  };
  process.once('SIGTERM', end).once('SIGINT', end);
  process.on('SIGHUP', () => rater.reload('SIGHUP'));
  await rater.listen();
}

async function main(): Promise<number | undefined> {
  try {
    const options = program.parse().opts<{ config: string; check?: boolean }>();
    const config = configFrom(options.config);
    if (!config) return exitCodes.operator.code;
    if (options.check) complain(config.warnings);
    const hasServers = Object.values(placesOf(config.blocking)).some((place) => place !== null);
    const trouble = driverTroubleAtStart(hasServers);
    if (options.check) {
      if (trouble) complain([doubtOf(trouble, config)]);
      return exitCodes.done.code;
    }
    await serve(config, trouble);
    return undefined;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? exitCodes.done.code : exitCodes.operator.code;
    }
    return leaveWith('rater', error);
  }
}

const exit = await main();
if (exit !== undefined) process.exit(exit);
