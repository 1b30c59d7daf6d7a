import type { Fleet } from './fleet.js';

/** Asks Janus itself which rooms it has (https://janus.conf.meetecho.com/docs/videoroom). */
export async function janusRooms(fleet: Fleet): Promise<string[]> {
  const { janusSecret } = fleet.state.secrets;
  const socket = new WebSocket(fleet.state.servers.janus, 'janus-protocol');
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
