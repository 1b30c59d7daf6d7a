import type { Call } from '@communication-center/client';
import { type RefObject, useEffect, useRef } from 'react';

/** Sizes are told so coarsely, in pixels, that a window that is drawn larger is not told with each of them. */
const stepPx = 60;

/**
 * Has pictures come of those tiles alone that are in view, or in a window of their own, in the size in which they are shown there; sound comes
 * of all.
 */
export function useWatching(call: Call, scene: RefObject<HTMLElement | null>): void {
  const observer = useRef<IntersectionObserver>(undefined);
  const measurer = useRef<ResizeObserver>(undefined);
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
    const heights = new Map<string, number>();
    const measuring = new ResizeObserver((entries) => {
      for (const { target, contentRect } of entries) {
        const { stream } = (target as HTMLElement).dataset;
        const height = Math.ceil((contentRect.height * devicePixelRatio) / stepPx) * stepPx;
        if (!stream) continue;
        // Who is not shown, or is a screen, which is read, comes as it is.
        if (height > 0 && !target.matches('.screen')) heights.set(stream, height);
        else heights.delete(stream);
      }
      call.show(heights);
    });
    measurer.current = measuring;
    const events = ['enterpictureinpicture', 'leavepictureinpicture'] as const;
    for (const event of events) document.addEventListener(event, tell);
    return () => {
      observing.disconnect();
      measuring.disconnect();
      for (const event of events) document.removeEventListener(event, tell);
    };
  }, [call, scene]);
  // Tiles come and go with what is drawn; one that is observed already is not observed twice.
  useEffect(() => {
    for (const tile of scene.current?.querySelectorAll('[data-stream]') ?? []) {
      observer.current?.observe(tile);
      measurer.current?.observe(tile);
    }
  });
}
