/** A small disk of a test's own, which can be full or read-only: a tmpfs, that only root may mount. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { notRoot } from '../run/unless.ts';

const smallestFiles = 40;

function findReason(): string | undefined {
  if (notRoot) return notRoot;
  const { status, stderr } = spawnSync('mount', ['--fake', '-t', 'tmpfs', 'none', '/mnt']);
  return status === 0 ? undefined : `no small disk can be mounted: ${stderr}`;
}

/** Why there can be no small disk here, or undefined. */
export const noSmallDisk = findReason();

function mount(...args: string[]): void {
  const { status, stderr } = spawnSync('mount', args);
  if (status !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr}`);
}

export class SmallDisk {
  readonly #path: string;

  /** Mounts it at `path`, which is created where it is missing. */
  constructor(path: string, size = '64k') {
    this.#path = path;
    mkdirSync(path, { recursive: true });
    mount('-t', 'tmpfs', '-o', `size=${size},nr_inodes=${smallestFiles},mode=0755`, 'none', path);
  }

  /** Leaves no room for one byte more. Servers and ipsvd-cdb skip names with two dots. */
  fill(): void {
    this.#untilFull(() => writeFileSync(this.#file('bytes'), Buffer.alloc(4096), { flag: 'a' }));
  }

  /** Leaves no room for one file more. */
  fillWithFiles(): void {
    let number = 0;
    this.#untilFull(() => writeFileSync(this.#file(number++), ''));
  }

  empty(): void {
    const fillers = readdirSync(this.#path).filter((name) => name.startsWith('..fill.'));
    for (const name of fillers) rmSync(join(this.#path, name));
  }

  makeReadOnly(): void {
    mount('-o', 'remount,ro', this.#path);
  }

  makeWritable(): void {
    mount('-o', 'remount,rw', this.#path);
  }

  /** At once, whoever still uses it. */
  unmount(): void {
    spawnSync('umount', ['-l', this.#path]);
  }

  #file(which: string | number): string {
    return join(this.#path, `..fill.${which}`);
  }

  #untilFull(write: () => void): void {
    for (;;) {
      try {
        write();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return;
        throw error;
      }
    }
  }
}
