/**
 * The table of degraded modes: each way in which rater may do less than it should, its effect and
 * its remedy. `status`, `doctor` and the manual's test read it.
 */

export type DegradedMode = {
  readonly effect: /** Clients that should be refused may get in. */
    | 'fails open'
    /** Servers let blocked clients in, and rater refuses them at each check. */
    | 'refuses by itself'
    /** Clients or operators that should get in are refused. */
    | 'keeps out'
    | 'forgets'
    | 'stays as it was'
    | 'tells nobody';
  /** The mode ends when mended or, for single events, after a minute without one. */
  readonly ends: 'mended' | 'quiet';
  /** What happened, in the past tense. */
  readonly sentence: string;
  readonly remedy: string;
};

export const degradedModes = {
  database: {
    effect: 'forgets',
    ends: 'mended',
    sentence: 'the database could not be used: new blocks were in memory only',
    remedy: 'make room and let its user write there; rater goes on trying by itself',
  },
  'database file': {
    effect: 'forgets',
    ends: 'mended',
    sentence: 'the database file was not in its place: later raters do not know of what came then',
    remedy:
      'put it back; or restart rater, which takes blocks, but no offences, from the peers directory',
  },
  history: {
    effect: 'forgets',
    ends: 'mended',
    sentence: 'the history could not be written: what happened was in memory only',
    remedy:
      'make room and let the user of rater write the database; rater goes on trying by itself',
  },
  'event lost': {
    effect: 'forgets',
    ends: 'quiet',
    sentence: 'there was no room for what happened, and the history lacks it',
    remedy: 'let the database be written; see what else is in trouble',
  },
  driver: {
    effect: 'forgets',
    ends: 'mended',
    sentence:
      'the driver of the database could not be loaded: rater neither knew what was before nor remembers anything when it ends',
    remedy: 'run npm rebuild better-sqlite3 in the directory of ipthrottle, then restart rater',
  },
  lock: {
    effect: 'fails open',
    ends: 'mended',
    sentence:
      'the file of a lock was gone, and its lock could not be taken anew: a second rater may undo blocks of this one',
    remedy: 'end the other rater, or remove what has its name; rater goes on trying by itself',
  },
  server: {
    effect: 'refuses by itself',
    ends: 'mended',
    sentence:
      'the files of a server could not be used: it let blocked clients in, and rater refused them',
    remedy: 'let the user of rater write there; rater goes on trying by itself',
  },
  cdb: {
    effect: 'refuses by itself',
    ends: 'mended',
    sentence:
      'a cdb could not be compiled: the old one stayed, and rater refused clients blocked since then',
    remedy: 'correct what it is made of; rater goes on trying by itself',
  },
  'connection refused': {
    effect: 'fails open',
    ends: 'quiet',
    sentence: 'there was no room for a connection, and ratecheck let the client in',
    remedy: 'see who is connected with ipthrottle fds; raise settings.max_connections',
  },
  socket: {
    effect: 'fails open',
    ends: 'mended',
    sentence:
      'something else had the name of a socket, or its directory was gone: nobody could connect, and ratecheck let all in',
    remedy:
      'remove what has its name, or make its directory anew; rater then listens again by itself',
  },
  'failed open': {
    effect: 'fails open',
    ends: 'quiet',
    sentence: 'ratecheck could not ask rater, and let the client in',
    remedy:
      'see why in the log of the server (ratecheck: warning); most often settings.socket_group is not the group of the user that runs ratecheck',
  },
  'failed open file': {
    effect: 'tells nobody',
    ends: 'mended',
    sentence: 'who was let in because ratecheck could not ask could not be counted',
    remedy:
      'remove what has the name, and let the user of rater make a pipe there; rater goes on trying',
  },
  listener: {
    effect: 'fails open',
    ends: 'quiet',
    sentence: 'a connection could not be accepted, and ratecheck let the client in',
    remedy: 'let rater have more open files (ulimit -n, LimitNOFILE)',
  },
  'reply too late': {
    effect: 'fails open',
    ends: 'quiet',
    sentence:
      'a client was gone before its reply came, as when ratecheck stops waiting and lets it in',
    remedy: 'see what kept rater from running: CPU, memory, disk; or give ratecheck -t more time',
  },
  'block not made': {
    effect: 'refuses by itself',
    ends: 'quiet',
    sentence: 'there was no room for a block: servers let the client in, and rater refused',
    remedy: 'raise settings.max_blocks, or block whole networks',
  },
  'value forgotten': {
    effect: 'forgets',
    ends: 'quiet',
    sentence: 'there was no room for a value, and an older one was forgotten',
    remedy: 'raise settings.max_values',
  },
  'offence forgotten': {
    effect: 'forgets',
    ends: 'quiet',
    sentence: 'there was no room for offences of the past, and the oldest were forgotten',
    remedy: 'raise settings.max_history',
  },
  'dry run forgotten': {
    effect: 'forgets',
    ends: 'quiet',
    sentence:
      'there was no room for what a dry run would have blocked, and an older one was forgotten',
    remedy: 'raise settings.max_blocks, or end the dry run',
  },
  'operator refused': {
    effect: 'keeps out',
    ends: 'quiet',
    sentence: 'there was no room for one more operator',
    remedy: 'see who is connected with ipthrottle fds, and end what is not needed',
  },
  allowlist: {
    effect: 'keeps out',
    ends: 'mended',
    sentence: 'a server still refused an allowlisted address',
    remedy: 'let the user of rater change the files of servers; rater goes on trying by itself',
  },
  configuration: {
    effect: 'stays as it was',
    ends: 'mended',
    sentence: 'the configuration had mistakes: the old one stayed',
    remedy: 'correct it, and see with ipthrottle reload',
  },
  overload: {
    effect: 'stays as it was',
    ends: 'mended',
    sentence: 'the queue could not be measured: an overload neither began nor ended',
    remedy: 'correct overload.command, or what it needs; rater goes on trying by itself',
  },
  watch: {
    effect: 'stays as it was',
    ends: 'mended',
    sentence: 'a file or directory could not be watched: changes were noticed late, or not at all',
    remedy: 'see that it is there; raise fs.inotify.max_user_watches; then restart rater',
  },
  log: {
    effect: 'tells nobody',
    ends: 'mended',
    sentence: 'the log could not be opened or written',
    remedy: 'make room and let the user of rater write there, then ipthrottle log reopen',
  },
  metrics: {
    effect: 'tells nobody',
    ends: 'mended',
    sentence: 'the file of metrics could not be written',
    remedy: 'let the user of rater write in its directory; rater goes on trying by itself',
  },
  heartbeat: {
    effect: 'tells nobody',
    ends: 'mended',
    sentence: 'the next rater could not have told how long none was running',
    remedy: 'let the user of rater write in the directory of the database',
  },
} as const satisfies Readonly<Record<string, DegradedMode>>;

export type ModeName = keyof typeof degradedModes;

/** Modes of single events, which end by themselves. */
export type EventName = {
  [Name in ModeName]: (typeof degradedModes)[Name]['ends'] extends 'quiet' ? Name : never;
}[ModeName];
