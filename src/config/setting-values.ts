/** The settings outside of classes, read and changed by their rows in the schema. */
import type { Written } from './config.ts';
import { type SettingRow, settingRows } from './schema.ts';

type Groups = Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;

export const singleRows = settingRows().filter(({ group }) => group !== 'class');

/** Undefined also when the group is absent. */
export function writtenValue(written: Written, { group, name }: SettingRow): unknown {
  return (written as Groups)[group]?.[name];
}

/** A copy with another value, which must be one of the row's kind; an absent group stays absent. */
export function withValue(written: Written, { group, name }: SettingRow, value: unknown): Written {
  const values = (written as Groups)[group];
  return values ? { ...written, [group]: { ...values, [name]: value } } : written;
}
