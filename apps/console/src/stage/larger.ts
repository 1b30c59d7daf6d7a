/** What a browser refuses here it says by itself, or does without a word: nothing of the call depends on it. */
const refused = () => undefined;

/** The call on the whole screen, or back: with all that may be told above it, as that somebody else calls. */
export function showInFull(): void {
  if (document.fullscreenElement) void document.exitFullscreen().catch(refused);
  else void document.querySelector('.app')?.requestFullscreen().catch(refused);
}

/** The first of the others in a window of its own, that stays above what else is looked at; or back. */
export function showInPicture(): void {
  const video = document.querySelector<HTMLVideoElement>('.tiles video:not(.no-picture)');
  if (document.pictureInPictureElement) void document.exitPictureInPicture().catch(refused);
  else void video?.requestPictureInPicture().catch(refused);
}
