import type { CommunicationCenter, ToldPresence } from '@communication-center/client';
import type { CallType } from '@communication-center/contracts';
import { type FormEvent, useState } from 'react';
import type { Phone } from '../calls/use-phone.js';
import { IconPhone, IconVideo } from '../icons.js';
import { Avatar } from '../parts/avatar.js';
import { Status } from '../parts/status.js';
import { found, rowsOf } from '../people/found.js';
import { listed } from '../words/lists.js';

/** More are found by searching. */
const shownAtMost = 50;

interface Props {
  center: CommunicationCenter;
  phone: Phone;
  everybody: readonly ToldPresence[];
  nameOf: (userAlias: string) => string;
}

/** Everybody one sees, who is here first: one press calls; several are picked and called together. */
export function PeopleToCall({ center, phone, everybody, nameOf }: Props) {
  const [search, setSearch] = useState('');
  const [picked, setPicked] = useState<readonly string[]>([]);
  const [hint, setHint] = useState('');
  const { people, stranger } = found(everybody, { search, nameOf, without: new Set([center.userAlias]) });
  const call = (callees: readonly string[], callType: CallType) => {
    setPicked([]);
    setSearch('');
    setHint('');
    phone.dial(callees, callType);
  };
  const pick = (userAlias: string, isPicked: boolean) =>
    setPicked(isPicked ? [...picked, userAlias] : picked.filter((one) => one !== userAlias));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const written = search.trim();
    const meant =
      people.find(({ userAlias }) => userAlias === written || nameOf(userAlias) === written) ??
      (people.length === 1 ? people[0] : undefined);
    if (meant) return call([meant.userAlias], 'audio_video');
    if (written === center.userAlias) return setHint('That is you: nobody can call oneself');
    if (people.length === 0 && stranger) return call([stranger], 'audio_video');
    setHint(written ? 'Several people are called so: choose one below' : 'Write whom you want to call, or choose somebody below');
  };
  const more = people.length - shownAtMost;
  return (
    <section className="card" aria-label="Whom to call">
      <h1>People</h1>
      <form onSubmit={submit} className="row">
        <label className="grow">
          Find somebody by name or alias
          <input
            value={search}
            onChange={(event) => {
              setSearch(event.currentTarget.value);
              setHint('');
            }}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
          />
        </label>
      </form>
      <p role="status" className={hint ? 'small' : 'empty'}>
        {hint}
      </p>
      {picked.length > 0 && (
        <div className="row picked">
          <span className="grow wrap">{listed(picked.map(nameOf))}</span>
          <CallButtons name={`${picked.length} people`} onCall={(callType) => call(picked, callType)} />
        </div>
      )}
      <ul className="people">
        {rowsOf(people.slice(0, shownAtMost), stranger).map(({ userAlias, status }) => (
          <li key={userAlias}>
            <label className="pick">
              <input
                type="checkbox"
                checked={picked.includes(userAlias)}
                onChange={(event) => pick(userAlias, event.currentTarget.checked)}
                aria-label={`Pick ${nameOf(userAlias)}`}
              />
            </label>
            <Avatar name={nameOf(userAlias)} />
            <span className="grow who">
              <span className="wrap">{nameOf(userAlias)}</span>{' '}
              {status ? <Status status={status} /> : <span className="soft small">not in the list</span>}
            </span>
            <CallButtons name={nameOf(userAlias)} onCall={(callType) => call([userAlias], callType)} />
          </li>
        ))}
      </ul>
      {more > 0 && <p className="soft">{more} more: search for them</p>}
      {people.length === 0 && !stranger && (
        <p className="soft">{everybody.length > 0 && 'Nobody else is here yet. '}Write an alias to call somebody.</p>
      )}
    </section>
  );
}

interface CallButtonsProps {
  name: string;
  onCall: (callType: CallType) => void;
}

function CallButtons({ name, onCall }: CallButtonsProps) {
  return (
    <>
      <button
        type="button"
        className="icon-button outlined"
        aria-label={`Call ${name} by voice`}
        onClick={() => onCall('audio_upgradable')}
      >
        <IconPhone size={18} />
      </button>
      <button type="button" className="button brand" aria-label={`Call ${name}`} onClick={() => onCall('audio_video')}>
        <IconVideo size={18} /> Call
      </button>
    </>
  );
}
