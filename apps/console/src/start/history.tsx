import type { CommunicationCenter } from '@communication-center/client';
import { useState } from 'react';
import type { Phone } from '../calls/use-phone.js';
import { IconVideo } from '../icons.js';
import { Avatar } from '../parts/avatar.js';
import { Quality } from '../quality/quality.js';
import { Timeline } from '../stage/timeline.js';
import { historySentence, talkText } from '../words/call-sentences.js';
import { listed, when } from '../words/lists.js';
import { type ListedCall, useHistory } from './use-history.js';

const shownAtMost = 10;

interface Props {
  center: CommunicationCenter;
  phone: Phone;
  nameOf: (userAlias: string) => string;
}

/** The user's last calls, newest first, as one would tell them; what the log says of one is behind its details. */
export function History({ center, phone, nameOf }: Props) {
  const calls = useHistory(center, phone.lastEnded);
  return (
    <section className="card" aria-label="Recent calls">
      <h2>Recent calls</h2>
      {calls?.length === 0 && <p className="soft">No calls yet</p>}
      <ul className="people">
        {calls?.slice(0, shownAtMost).map((call) => (
          <Item key={call.callId} {...{ center, call, phone, nameOf }} />
        ))}
      </ul>
    </section>
  );
}

function Item({ center, call, phone, nameOf }: Props & { call: ListedCall }) {
  const [isOpen, setOpen] = useState(false);
  const others = call.participants.filter(({ userAlias }) => userAlias !== center.userAlias).map(({ userAlias }) => userAlias);
  const mine = call.parts.find(({ userAlias }) => userAlias === center.userAlias);
  const isMissed = mine?.outcome === 'missed' || mine?.outcome === 'busy';
  const said = historySentence(call, center.userAlias, nameOf);
  const who = listed(others.map(nameOf));
  return (
    <li className="history">
      <Avatar name={nameOf(others[0] ?? '?')} />
      <span className="grow who">
        <span className={`wrap${isMissed ? ' missed' : ''}`}>{said}</span>
        <span className="soft small">{[when(call.dialedAt), talkText(mine)].filter(Boolean).join(' · ')}</span>
      </span>
      <button
        type="button"
        className="button quiet"
        aria-expanded={isOpen}
        aria-label={`Details: ${said}`}
        onClick={() => setOpen(!isOpen)}
      >
        Details
      </button>
      <button
        type="button"
        className="icon-button outlined"
        aria-label={`Call ${who} back`}
        onClick={() => phone.dial(others, 'audio_video')}
      >
        <IconVideo size={18} />
      </button>
      {isOpen && (
        <section className="details" aria-label="What happened">
          <Timeline center={center} callId={call.callId} sequence={call.sequence} />
          {mine?.outcome === 'answered' && <Quality center={center} callId={call.callId} isLive={false} nameOf={nameOf} />}
        </section>
      )}
    </li>
  );
}
