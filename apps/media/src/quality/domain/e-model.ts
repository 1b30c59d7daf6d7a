/** What of a way of sound the model knows. */
export interface SoundPath {
  /** From mouth to ear, in milliseconds. */
  delayMs: number;
  /** Of the packets that were to come, 0 to 1. */
  lossFraction: number;
}

/** The rating of a way with no fault but those that every line has: ITU-T G.107 with its default values. */
const flawless = 93.2;
/**
 * What a codec takes off by itself, and how it bears loss: ITU-T G.113 Appendix I, which has no values for Opus. These are of G.711 with
 * concealment of losses, which Opus at the rates of calls is no worse than.
 */
const [ownImpairment, robustness] = [0, 25.1];
/** Beyond that people begin to talk into each other's words, in milliseconds (Cole and Rosenbluth). */
const noticeableMs = 177.3;

/**
 * The E-model of ITU-T G.107 for what a call's statistics tell, and default values for the rest: delay as R. G. Cole and J. H. Rosenbluth
 * fitted it ("Voice over IP performance monitoring", ACM SIGCOMM CCR 31(2), 2001), loss by equation 7-29, taken as random. It knows nothing
 * of echo, of noise, of the bandwidth of sound, nor of pictures.
 * @returns the transmission rating R, 0 to 93.2.
 */
export function ratingOf({ delayMs, lossFraction }: SoundPath): number {
  const lossPercent = 100 * Math.min(1, Math.max(0, lossFraction));
  const delay = Math.max(0, delayMs);
  const byDelay = 0.024 * delay + (delay > noticeableMs ? 0.11 * (delay - noticeableMs) : 0);
  const byLoss = ownImpairment + ((95 - ownImpairment) * lossPercent) / (lossPercent + robustness);
  return Math.max(0, flawless - byDelay - byLoss);
}

/** @returns the mean opinion score of a rating, 1 to 4.5: ITU-T G.107 Annex B, held at 1 where its polynomial falls a little below. */
export function scoreOf(rating: number): number {
  if (rating <= 0) return 1;
  if (rating >= 100) return 4.5;
  return Math.max(1, 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6);
}
