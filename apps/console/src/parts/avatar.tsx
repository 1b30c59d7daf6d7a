/** As many as there are colours in the style sheet. */
const colours = 8;

/** The letters of a name, in a colour of its own; the name stands beside it in words. */
export function Avatar({ name, size = 'small' }: { name: string; size?: 'small' | 'large' }) {
  const letters = name
    .split(/[\s._-]+/)
    .map((part) => [...part][0] ?? '')
    .slice(0, 2)
    .join('')
    .toUpperCase();
  const colour = [...name].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9973, 0) % colours;
  return (
    <span className={`avatar ${size} tint-${colour}`} aria-hidden>
      {letters}
    </span>
  );
}
