import { type ReactNode, useEffect, useId, useRef, useState } from 'react';

interface Props {
  label: string;
  /** What the button shows. */
  children: ReactNode;
  className: string;
  /** What it opens; told how to close it. */
  shows: (close: () => void) => ReactNode;
}

/** A button that opens a few choices beside itself; Escape and a click elsewhere close them. */
export function Disclosure({ label, children, className, shows }: Props) {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const whole = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!isOpen) return;
    const onDown = (event: PointerEvent) => {
      if (!whole.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener('pointerdown', onDown);
    return () => document.removeEventListener('pointerdown', onDown);
  }, [isOpen]);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes, wherever inside the focus is
    <div
      className="disclosure"
      ref={whole}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !isOpen) return;
        event.stopPropagation();
        close();
      }}
    >
      <button
        type="button"
        ref={button}
        className={className}
        aria-label={label}
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => setOpen(!isOpen)}
      >
        {children}
      </button>
      <div id={id} className="choices" hidden={!isOpen}>
        {isOpen && shows(close)}
      </div>
    </div>
  );
}
