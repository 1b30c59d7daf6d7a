import type { Fleet } from './fleet.js';

/** Asks each Janus itself which rooms it has (https://janus.conf.meetecho.com/docs/videoroom). @returns those of all of them. */
export async function janusRooms(fleet: Fleet): Promise<string[]> {
  return (await Promise.all(fleet.state.servers.janus.split(',').map((url) => roomsAt(url, fleet)))).flat();
}

/** @returns which Janus carries the call that an app's people are in, or were last. */
export async function janusOf(fleet: Fleet, appId: string): Promise<'janus' | 'janus-2'> {
  const latest = 'SELECT node FROM rooms WHERE app_id = $1 ORDER BY created_at DESC LIMIT 1';
  const [row] = await fleet.query<{ node: string }>('media', latest, [appId]);
  if (!row) throw new Error('Nobody of this app is in a call');
  return row.node === 'janus-2' ? 'janus-2' : 'janus';
}

async function roomsAt(url: string, fleet: Fleet): Promise<string[]> {
  const { janusSecret } = fleet.state.secrets;
  const socket = new WebSocket(url, 'janus-protocol');
  const answers = new Map<string, (answer: Record<string, unknown>) => void>();
  socket.onmessage = ({ data }) => {
    const answer = JSON.parse(String(data)) as Record<string, unknown>;
    answers.get(String(answer.transaction))?.(answer);
  };
  const ask = (request: Record<string, unknown>) =>
    new Promise<Record<string, unknown>>((resolve) => {
      const transaction = String(answers.size + 1);
      answers.set(transaction, resolve);
      socket.send(JSON.stringify({ ...request, transaction, apisecret: janusSecret }));
    });
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error('Janus cannot be reached'));
  });
  try {
    const { data: session } = (await ask({ janus: 'create' })) as { data: { id: number } };
    const { data: handle } = (await ask({ janus: 'attach', session_id: session.id, plugin: 'janus.plugin.videoroom' })) as {
      data: { id: number };
    };
    const body = { request: 'list', admin_key: janusSecret };
    const listed = await ask({ janus: 'message', session_id: session.id, handle_id: handle.id, body });
    const { list } = (listed.plugindata as { data: { list: { room: string }[] } }).data;
    return list.map(({ room }) => room);
  } finally {
    socket.close();
  }
}
