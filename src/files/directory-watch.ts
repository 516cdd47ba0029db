/**
 * Tells what changed in a directory, soon after the changes have come to rest.
 *
 * Only a hint: the kernel drops events when too many wait, and goes on watching a directory that
 * another one has replaced, until `arm` is called again.
 */
import { type FSWatcher, watch } from 'node:fs';
import type { Timers } from '../runtime/timers.ts';

/** A directory is at rest after `restMs` without an event, or `longestMs` after the first one. */
const restMs = 150;
const longestMs = 1000;
/** With more names than this, anything may have changed. */
const maxNames = 10_000;

export type DirectoryWatchParts = {
  readonly directory: string;
  /** Called at each event; without a name anything may have changed. */
  readonly onEvent: (name: string | null) => void;
  readonly onRest: () => void;
  readonly onTrouble: (error: unknown) => void;
  /** Called when it watches again after trouble. */
  readonly onMended: () => void;
  readonly timers: Timers;
};

export class DirectoryWatch {
  readonly #parts: DirectoryWatchParts;
  #watcher: FSWatcher | undefined;
  #names = new Set<string>();
  #isAnything = false;
  #firstMs: number | undefined;
  #isBroken = false;
  #cancel = () => {};

  constructor(parts: DirectoryWatchParts) {
    this.#parts = parts;
  }

  get isArmed(): boolean {
    return this.#watcher !== undefined;
  }

  /** Watches the directory that has the name now. */
  arm(): void {
    this.#disarm();
    try {
      this.#watcher = watch(this.#parts.directory, { encoding: 'latin1' }, (_event, name) => {
        this.note(name);
      }).on('error', (error) => this.#fail(error));
      if (this.#isBroken) this.#parts.onMended();
      this.#isBroken = false;
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The names that changed since the last call; undefined when anything may have. */
  take(): Set<string> | undefined {
    const names = this.#isAnything ? undefined : this.#names;
    this.#names = new Set();
    this.#isAnything = false;
    return names;
  }

  close(): void {
    this.#disarm();
    this.#cancel();
  }

  note(name: string | null): void {
    if (name?.startsWith('..')) return;
    this.#parts.onEvent(name);
    if (name !== null) this.#names.add(name);
    if (name === null || this.#names.size > maxNames) {
      this.#isAnything = true;
      this.#names.clear();
    }
    this.#wait();
  }

  #wait(): void {
    const { timers, onRest } = this.#parts;
    const nowMs = timers.nowMs();
    this.#firstMs ??= nowMs;
    this.#cancel();
    this.#cancel = timers.after(Math.min(restMs, this.#firstMs + longestMs - nowMs), () => {
      this.#firstMs = undefined;
      onRest();
    });
  }

  #disarm(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #fail(error: unknown): void {
    this.#disarm();
    this.#isBroken = true;
    this.#parts.onTrouble(error);
  }
}
