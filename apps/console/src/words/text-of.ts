/** @returns a name of the Center as people read it. */
export function readable(name: string): string {
  return name.replaceAll('_', ' ');
}

/** @returns the words for a name of the Center; of one that a newer release added, the name itself. */
export function textOf(texts: Readonly<Record<string, string>>, name: string): string {
  return texts[name] ?? readable(name);
}
