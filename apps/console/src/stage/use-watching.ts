import type { Call } from '@communication-center/client';
import { type RefObject, useEffect, useRef } from 'react';

/** Has pictures come of those tiles alone that are in view, or in a window of their own; sound comes of all. */
export function useWatching(call: Call, scene: RefObject<HTMLElement | null>): void {
  const observer = useRef<IntersectionObserver>(undefined);
  useEffect(() => {
    const outOfView = new Set<Element>();
    const tell = () => {
      const tiles = [...(scene.current?.querySelectorAll<HTMLElement>('[data-stream]') ?? [])];
      const unwatched = tiles.filter((tile) => outOfView.has(tile) && !tile.contains(document.pictureInPictureElement));
      call.unwatch(unwatched.flatMap(({ dataset: { stream } }) => stream ?? []));
    };
    const observing = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) outOfView.delete(target);
        else outOfView.add(target);
      }
      tell();
    });
    observer.current = observing;
    const events = ['enterpictureinpicture', 'leavepictureinpicture'] as const;
    for (const event of events) document.addEventListener(event, tell);
    return () => {
      observing.disconnect();
      for (const event of events) document.removeEventListener(event, tell);
    };
  }, [call, scene]);
  // Tiles come and go with what is drawn; one that is observed already is not observed twice.
  useEffect(() => {
    for (const tile of scene.current?.querySelectorAll('[data-stream]') ?? []) observer.current?.observe(tile);
  });
}
