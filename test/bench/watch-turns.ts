/** How long others have to wait: the longest time between two turns of the event loop. */

/** Watches until the function that it returns is called, which gives the milliseconds. */
export function watchTurns(): () => number {
  let [longestMs, lastMs, isOver] = [0, performance.now(), false];
  const turn = () => {
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - lastMs);
    lastMs = nowMs;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  return () => {
    isOver = true;
    return longestMs;
  };
}
