import type { Call, CommunicationCenter, ToldParticipant, ToldPresence } from '@communication-center/client';
import { useState } from 'react';
import type { Phone } from '../calls/use-phone.js';
import { IconUserPlus } from '../icons.js';
import { Avatar } from '../parts/avatar.js';
import { Status } from '../parts/status.js';
import { found, rowsOf } from '../people/found.js';
import { partText } from '../words/call-sentences.js';

interface Props {
  center: CommunicationCenter;
  call: Call;
  phone: Phone;
  everybody: readonly ToldPresence[];
  nameOf: (userAlias: string) => string;
}

/** Who is in the call, who rings and who is out; and whom one could add. */
export function PeopleSheet({ center, call, phone, everybody, nameOf }: Props) {
  const moderates = call.state.initiator === center.userAlias && call.phase === 'connected';
  const mayKick = call.state.initiator === center.userAlias && call.others.length > 1;
  const inCall = call.phase === 'connected' || call.direction === 'outgoing';
  return (
    <>
      <ul className="people" aria-label="In this call">
        {call.others.map((other) => (
          <li key={other.userAlias}>
            <Avatar name={nameOf(other.userAlias)} />
            <span className="grow wrap">
              <span>{nameOf(other.userAlias)}</span>: <span className="soft">{saidOf(other)}</span>
            </span>
            <span className="row acts">
              {other.state === 'gone' && inCall && (
                <button
                  type="button"
                  className="button"
                  aria-label={`Ring ${nameOf(other.userAlias)} again`}
                  onClick={() => phone.attempt(call.ring([other.userAlias]), [other.userAlias])}
                >
                  Ring again
                </button>
              )}
              {other.state === 'connected' && moderates && <MuteButton {...{ call, phone, other, name: nameOf(other.userAlias) }} />}
              {other.state === 'connected' && moderates && <PictureButton {...{ call, phone, other, name: nameOf(other.userAlias) }} />}
              {other.state !== 'gone' && mayKick && (
                <button
                  type="button"
                  className="button"
                  aria-label={`Remove ${nameOf(other.userAlias)}`}
                  onClick={() => phone.attempt(call.kick(other.userAlias), [other.userAlias])}
                >
                  Remove
                </button>
              )}
            </span>
          </li>
        ))}
      </ul>
      {moderates && (
        <button type="button" className="button" onClick={() => phone.attempt(call.isLocked ? call.unlock() : call.lock())}>
          {call.isLocked ? 'Let more people in' : 'Let nobody more in'}
        </button>
      )}
      {inCall && !call.isLocked && <AddPerson {...{ center, call, phone, everybody, nameOf }} />}
    </>
  );
}

function saidOf(part: ToldParticipant): string {
  return part.state === 'connected' && part.handRaised ? `${partText(part)}, with a raised hand` : partText(part);
}

interface MuteProps {
  call: Call;
  phone: Phone;
  other: ToldParticipant;
  name: string;
}

/** Forbids somebody to be heard, or allows it again. */
function MuteButton({ call, phone, other: { userAlias, forbidden }, name }: MuteProps) {
  const isMuted = forbidden?.audio !== undefined;
  const act = () => phone.attempt(isMuted ? call.allowParticipant(userAlias) : call.muteParticipant(userAlias), [userAlias]);
  return (
    <button type="button" className="button" aria-label={isMuted ? `Let ${name} speak` : `Mute ${name}`} onClick={act}>
      {isMuted ? 'Let speak' : 'Mute'}
    </button>
  );
}

/** Forbids somebody who shares a screen to be seen, camera and screen, or allows it again. */
function PictureButton({ call, phone, other: { userAlias, forbidden }, name }: MuteProps) {
  const isHidden = forbidden?.video !== undefined;
  const shares = call.streams.some((stream) => stream.userAlias === userAlias && stream.kind === 'screen');
  if (!isHidden && !shares) return null;
  const pictures = { video: true };
  const act = () =>
    phone.attempt(isHidden ? call.allowParticipant(userAlias, pictures) : call.muteParticipant(userAlias, pictures), [userAlias]);
  return (
    <button type="button" className="button" aria-label={isHidden ? `Let be seen: ${name}` : `Stop pictures of ${name}`} onClick={act}>
      {isHidden ? 'Let be seen' : 'Stop pictures'}
    </button>
  );
}

function AddPerson({ center, call, phone, everybody, nameOf }: Props) {
  const [search, setSearch] = useState('');
  const inIt = new Set<string>([center.userAlias, ...call.others.map(({ userAlias }) => userAlias)]);
  const { people, stranger } = found(everybody, { search, nameOf, without: inIt });
  const add = (userAlias: string) => {
    phone.attempt(
      call.add([userAlias]).then(() => setSearch('')),
      [userAlias],
    );
  };
  return (
    <section aria-label="Add a person">
      <label>
        Add a person
        <input value={search} onChange={(event) => setSearch(event.currentTarget.value)} autoComplete="off" autoCapitalize="none" />
      </label>
      <ul className="people">
        {rowsOf(people.slice(0, 6), stranger).map(({ userAlias, status }) => (
          <li key={userAlias}>
            <Avatar name={nameOf(userAlias)} />
            <span className="grow wrap">{nameOf(userAlias)}</span>
            {status ? <Status status={status} /> : <span className="soft small">not in the list</span>}
            <AddButton name={nameOf(userAlias)} onAdd={() => add(userAlias)} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function AddButton({ name, onAdd }: { name: string; onAdd: () => void }) {
  return (
    <button type="button" className="icon-button outlined" aria-label={`Add ${name}`} onClick={onAdd}>
      <IconUserPlus size={18} />
    </button>
  );
}
