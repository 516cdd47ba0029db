/** Bits of the mode that stat(2) tells, by name. What executes a file searches a directory. */

export const permissionBits = 0o7777;
export const sticky = 0o1000;
export const userReadOrExecute = 0o500;
export const userWrite = 0o200;
export const userExecute = 0o100;
export const groupRead = 0o040;
export const groupWrite = 0o020;
export const groupSearch = 0o010;
export const othersRead = 0o004;
export const othersWrite = 0o002;
export const othersSearch = 0o001;
