/** Columns of numbers by row, which grow with the rows. */
type Column = Uint8Array | Uint32Array | Float64Array;

/** The column itself or, if the row lies beyond its end, a copy with room for at least twice as many. */
export function withRoomFor<T extends Column>(column: T, row: number): T {
  if (row < column.length) return column;
  const larger = new (column.constructor as new (length: number) => T)(
    Math.max(row + 1, 2 * column.length),
  );
  larger.set(column);
  return larger;
}
