/** What the spellings of one name have in common: the name in lower case, without blanks around it. */
export function fold(name: string): string {
  return name.trim().toLowerCase();
}
