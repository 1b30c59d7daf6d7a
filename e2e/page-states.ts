import { eventually, type Phones, ringOf } from '@communication-center/testing';
import { type ConsolePage, connected, dialFrom, press, says } from './console-page.js';
import { boxesOf } from './console-sight.js';
import { type Journey, two } from './each-browser.js';

/** More letters than fit into a line of a phone, without a blank to break at. */
const longName = `Wolfeschlegelsteinhausenbergerdorff${'e'.repeat(40)}`;

/** A moving picture in place of a screen: what is shared is looked at elsewhere. */
const hasWindowToShare = (page: ConsolePage): Promise<void> =>
  page.evaluate(() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
    const drawn = canvas.getContext('2d');
    let turn = 0;
    setInterval(() => {
      if (drawn) drawn.fillStyle = turn++ % 2 === 0 ? '#f00' : '#c00';
      drawn?.fillRect(0, 0, 640, 360);
    }, 100);
    navigator.mediaDevices.getDisplayMedia = async () => canvas.captureStream(10);
  });

/** Brings pages through every state that people see, and has each looked at. */
export async function throughEveryState(
  journey: Journey,
  phones: Phones,
  look: (page: ConsolePage, state: string) => Promise<void>,
): Promise<void> {
  const { fleet, app } = journey;
  await fleet.makeUser(app, 'carol', { name: longName });
  const [[alice, bob], carol] = await Promise.all([
    two({ ...journey, openOther: journey.open }, 'alice', 'bob'),
    phones.connect(app, 'carol'),
  ]);
  await dialFrom(alice, 'bob');
  await says(bob, 'wants to talk with video');
  await look(bob, 'ringing');
  await look(alice, 'dialing');
  await press(bob, 'Answer', 'dialog');
  await Promise.all([alice, bob].map(connected));
  await hasWindowToShare(bob);
  await press(bob, 'Share your screen', 'toolbar');
  await says(alice, 'The screen of bob');
  await press(alice, 'People', 'toolbar');
  await eventually('a button to stop pictures', async () => (await boxesOf(alice, '[aria-label="Stop pictures of bob"]')).length === 1);
  await look(bob, 'in a call, sharing a screen');
  await look(alice, 'in a call, looking at a screen and at people');
  await press(bob, 'Stop sharing your screen', 'toolbar');
  await press(bob, 'Devices', 'toolbar');
  await eventually('devices to choose from', async () => (await boxesOf(bob, '[type=radio]')).length > 0);
  await look(bob, 'in a call, choosing devices');
  await press(alice, 'People', 'nav');
  await press(bob, 'Devices', 'nav');
  await look(bob, 'devices, in a call');
  await look(alice, 'who is here, in a call');
  await press(bob, 'Return', 'call-bar');
  await press(bob, 'Hang up', 'toolbar');
  await says(alice, 'bob hung up');
  await says(bob, 'alice called you');
  await press(bob, 'Details: alice called you');
  await says(bob, 'call.ended');
  await press(alice, 'Phone', 'nav');
  await dialFrom(alice, 'carol', 'video', longName);
  await (await ringOf(carol)).decline({ reason: 'busy' });
  await says(alice, 'declined: is busy');
  await look(bob, 'whom to call, with details');
  await look(alice, 'after a decline by a long name');
  await press(alice, 'Sign out');
  await says(alice, 'Sign in');
  await look(alice, 'signing in');
}
