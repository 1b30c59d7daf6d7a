import { useCallback, useState } from 'react';

/** What people are told of once, outside of what they look at. */
export interface Notice {
  /** What it is about: of one thing one notice is shown, the latest, until that thing is over. */
  about: string;
  tone: 'bad' | 'plain';
  /** Says it, once names are known. */
  say: (nameOf: (userAlias: string) => string) => string;
  /** What one can do about it. */
  offer?: { label: string; act: () => void };
}

export interface Notices {
  all: readonly Notice[];
  tell: (notice: Notice) => void;
  /** Takes away what was told about things that are over. */
  forget: (...about: string[]) => void;
}

export function useNotices(): Notices {
  const [all, setAll] = useState<readonly Notice[]>([]);
  const tell = useCallback((notice: Notice) => setAll((told) => [...told.filter(({ about }) => about !== notice.about), notice]), []);
  const forget = useCallback((...about: string[]) => {
    setAll((told) => (told.some((notice) => about.includes(notice.about)) ? told.filter((notice) => !about.includes(notice.about)) : told));
  }, []);
  return { all, tell, forget };
}
