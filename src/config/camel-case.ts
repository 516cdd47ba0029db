/** The configuration writes `max_age` where the code writes `maxAge`. */

export type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;

export type CamelCased<Values> = {
  readonly [Name in keyof Values & string as CamelCase<Name>]: Values[Name];
};

export function camelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** A copy of `values` whose names are those of the code. */
export function camelCased<Values extends object>(values: Values): CamelCased<Values> {
  const entries = Object.entries(values).map(([name, value]) => [camelCase(name), value]);
  return Object.fromEntries(entries) as CamelCased<Values>;
}
