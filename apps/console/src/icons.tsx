import type { ReactNode } from 'react';

interface Props {
  /** Its width and height, in pixels. */
  size?: number;
}

/** Makes an icon of lines on a field of 24 by 24; what is beside it says in words what it stands for. */
function icon(lines: ReactNode) {
  return ({ size = 24 }: Props) => (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={2}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden
    >
      {lines}
    </svg>
  );
}

const both = (one: ReactNode, other: ReactNode) => (
  <>
    {one}
    {other}
  </>
);
const crossedOut = <path d="M4 4 L20 20" />;
const handset = (
  <path d="M6 3 H9 L11 8 L8.5 10 A12 12 0 0 0 14 15.5 L16 13 L21 15 V18 A3 3 0 0 1 18 21 A15 15 0 0 1 3 6 A3 3 0 0 1 6 3 Z" />
);
const bell = <path d="M10 20 H14 M5 17 H19 C17 15 17 13 17 10 A5 5 0 0 0 7 10 C7 13 7 15 5 17 Z M12 3 V5" />;
const microphone = <path d="M12 3 A3 3 0 0 1 15 6 V11 A3 3 0 0 1 9 11 V6 A3 3 0 0 1 12 3 Z M5 11 A7 7 0 0 0 19 11 M12 18 V21 M9 21 H15" />;
const camera = <path d="M5 6 H13 A2 2 0 0 1 15 8 V16 A2 2 0 0 1 13 18 H5 A2 2 0 0 1 3 16 V8 A2 2 0 0 1 5 6 Z M15 11 L21 8 V16 L15 13" />;
const person = <path d="M9 3 A4 4 0 0 1 9 11 A4 4 0 0 1 9 3 M3 21 V19 A4 4 0 0 1 7 15 H11 A4 4 0 0 1 15 19 V21" />;

export const IconPhone = icon(handset);
export const IconPhoneOff = icon(both(handset, crossedOut));
export const IconBell = icon(bell);
export const IconBellOff = icon(both(bell, crossedOut));
export const IconMicrophone = icon(microphone);
export const IconMicrophoneOff = icon(both(microphone, crossedOut));
export const IconVideo = icon(camera);
export const IconVideoOff = icon(both(camera, crossedOut));
const display = <path d="M4 4 H20 A1 1 0 0 1 21 5 V15 A1 1 0 0 1 20 16 H4 A1 1 0 0 1 3 15 V5 A1 1 0 0 1 4 4 M8 20 H16" />;

export const IconScreen = icon(both(display, <path d="M12 13 V7 M9 10 L12 7 L15 10" />));
export const IconScreenOff = icon(both(display, <path d="M9 7 L15 13 M15 7 L9 13" />));
export const IconUserPlus = icon(both(person, <path d="M16 11 H22 M19 8 V14" />));
export const IconChevronDown = icon(<path d="M6 9 L12 15 L18 9" />);
export const IconChevronUp = icon(<path d="M6 15 L12 9 L18 15" />);
export const IconSelector = icon(<path d="M8 9 L12 5 L16 9 M16 15 L12 19 L8 15" />);
export const IconPeople = icon(both(person, <path d="M17 11 A3.5 3.5 0 0 0 17 4 M18 15 A4 4 0 0 1 22 19 V21" />));
export const IconMore = icon(<path d="M5 12 h.01 M12 12 h.01 M19 12 h.01" strokeWidth={4} />);
export const IconDevices = icon(<path d="M4 7 H13 M19 7 H20 M16 4 V10 M4 17 H5 M11 17 H20 M8 14 V20" />);
export const IconClose = icon(<path d="M6 6 L18 18 M18 6 L6 18" />);
