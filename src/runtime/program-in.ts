/** Where the shell finds a program. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The program's path in the first directory of `searchPath` that has it. */
export function programIn(searchPath: string, name: string): string | undefined {
  const paths = searchPath.split(delimiter).map((directory) => join(directory || '.', name));
  return paths.find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
