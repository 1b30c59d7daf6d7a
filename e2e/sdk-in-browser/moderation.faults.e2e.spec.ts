/*
 * What a moderator forbade is not heard by whoever takes the place of a media service that is killed, or of a Janus. npm run check:long asks for it.
 */
import { Browsers, eventually, Fleet, janusOf } from '@communication-center/testing';
import { afterAll, test } from 'vitest';
import { arriving, expectPictureAlone, inCall } from './moderated-pages.js';

const fleet = new Fleet();
const browsers = new Browsers();
afterAll(() => browsers.quit());

test.skipIf(!process.env.EVERY_MEDIA_FAULT)(
  'whose sound is forbidden is not heard after the deaths of media and Janus, until it is allowed',
  async () => {
    const app = await fleet.makeApp({ options: { mediaSetupSeconds: 0 } });
    const [alice, bob] = await inCall(browsers, fleet, app);
    await alice.muteParticipant('bob', { audio: true });
    await eventually('the sound being off at its device', async () => (await bob.seen()).state.audio === 'off');
    await fleet.killAndAwait('media');
    await eventually('bob being back', async () => (await bob.seen()).link === 'connected', 30_000);
    await expectPictureAlone([alice, bob], 'after the media service was killed');

    await fleet.control(await janusOf(fleet, app.appId), 'kill');
    await eventually('bob being back', async () => (await bob.seen()).link === 'connected', 30_000);
    await expectPictureAlone([alice, bob], 'after Janus was killed');

    await alice.allowParticipant('bob', { audio: true });
    await eventually('sound', async () => (await arriving(alice)).packets > 20, 15_000);
  },
  240_000,
);
