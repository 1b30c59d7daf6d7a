import { overRest } from './price/phone.mjs';

/*
 * A tenant that dials and reads so many times a second, in a process of its own: what it costs its client delays nobody's measuring.
 * It is told where, with which key, whose users, and then how fast and for how long; and says what it heard.
 */
process.on('message', async ({ url, key, pairs, perSecond, forMs }) => {
  const heard = {};
  const note = (outcome) => {
    heard[outcome] = (heard[outcome] ?? 0) + 1;
  };
  const rest = overRest(url, () => key);
  const codeOf = (error) => /"code":"(\w+)"/.exec(error.message)?.[1] ?? error.message;
  const dial = async (number) => {
    const [caller, callee] = pairs[number % pairs.length];
    const { callId } = await rest.dial({ alias: caller }, [callee]);
    note('dialed');
    await rest.act({ alias: caller }, 'hang_up', callId);
  };
  const read = async () => {
    const answer = await fetch(new URL('/v1/calls?limit=50', url), { headers: { authorization: `Bearer ${key}` } });
    await answer.arrayBuffer();
    note(answer.status === 200 ? 'read' : `${answer.status} to a read`);
  };
  const until = Date.now() + forMs;
  const tried = [];
  const paced = async (rate, act) => {
    const began = Date.now();
    for (let number = 0; Date.now() < until; number += 1) {
      tried.push(act(number).catch((error) => note(codeOf(error))));
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, began + ((number + 1) * 1000) / rate - Date.now())));
    }
  };
  await Promise.all([paced(perSecond.dials, dial), paced(perSecond.reads, read)]);
  await Promise.all(tried);
  process.send(heard);
});
