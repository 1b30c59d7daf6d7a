/** The call on the whole screen, or back: with all that may be told above it, as that somebody else calls. @returns what to say where the browser refuses. */
export async function showInFull(): Promise<string | undefined> {
  try {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await document.querySelector('.app')?.requestFullscreen();
    return undefined;
  } catch {
    return 'Your browser does not give this page the whole screen';
  }
}

/** The screen of somebody, or else the first of the others, in a window of its own, that stays above what else is looked at; or back. @returns what to say where that cannot be. */
export async function showInPicture(): Promise<string | undefined> {
  const video = document.querySelector<HTMLVideoElement>(':is(.screens, .tiles) video:not(.no-picture)');
  try {
    if (document.pictureInPictureElement) await document.exitPictureInPicture();
    else if (video) await video.requestPictureInPicture();
    else return 'Nobody sends a picture that could be shown in a window of its own';
    return undefined;
  } catch {
    return 'Your browser does not show the picture in a window of its own';
  }
}
