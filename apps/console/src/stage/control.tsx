import type { ReactNode } from 'react';

interface Props {
  label: string;
  /** Its whole name, which begins with the label, where that is too long for the bar. */
  name?: string;
  icon: ReactNode;
  onClick: () => void;
  /** Whether it is on, for what is switched. */
  on?: boolean;
  /** Whether what it opens is open. */
  expanded?: boolean;
}

/** A button of the control bar: an icon with its word below. */
export function Control({ label, name, icon, on, expanded, onClick }: Props) {
  return (
    <button
      type="button"
      className={`control${on === false ? ' off' : ''}`}
      aria-label={name}
      aria-pressed={on}
      aria-expanded={expanded}
      onClick={onClick}
    >
      <span className="disc">{icon}</span>
      <span>{label}</span>
    </button>
  );
}
