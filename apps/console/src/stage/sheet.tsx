import { type ReactNode, useEffect, useRef } from 'react';
import { IconClose } from '../icons.js';

interface Props {
  title: string;
  onClose: () => void;
  children: ReactNode;
}

/** Lies over the side of the stage; takes the focus, and Escape closes it. */
export function Sheet({ title, onClose, children }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    heading.current?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <section
      className="sheet"
      aria-label={title}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.preventDefault();
        onClose();
      }}
    >
      <div className="row between">
        <h2 ref={heading} tabIndex={-1} data-focus-home>
          {title}
        </h2>
        <button type="button" className="icon-button" aria-label={`Close ${title}`} onClick={onClose}>
          <IconClose />
        </button>
      </div>
      {children}
    </section>
  );
}
