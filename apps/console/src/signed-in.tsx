import type { CommunicationCenter, ConnectionState } from '@communication-center/client';
import { useCallback, useEffect, useState } from 'react';
import { CallBar, ElsewhereBar } from './calls/call-bar.js';
import { keyOf } from './calls/key-of.js';
import { NoticesView } from './calls/notices-view.js';
import { useAttention } from './calls/use-attention.js';
import { useConnection } from './calls/use-connection.js';
import { usePhone } from './calls/use-phone.js';
import { useWayBack } from './calls/use-way-back.js';
import { IconBell } from './icons.js';
import { useNames } from './people/name-book.js';
import { useEverybody } from './people/use-everybody.js';
import { Ring } from './ring/ring.js';
import { Stage } from './stage/stage.js';
import { StartPage } from './start/start-page.js';
import { Devices, People } from './wall/wall.js';
import { refusalSentence } from './words/refusals.js';

type Page = 'phone' | 'people' | 'devices';
const pages: Record<Page, string> = { phone: 'Phone', people: 'People', devices: 'Devices' };

interface Props {
  center: CommunicationCenter;
  onSignOut: () => void;
}

/** The phone above, whatever page is shown: a ring, a call under way and its end are there on each of them. */
export function SignedIn({ center, onSignOut }: Props) {
  const [page, setPage] = useState<Page>('phone');
  const phone = usePhone(center);
  const nameOf = useNames(center);
  const { ringing, current, elsewhere, notices } = phone;
  const { tell } = notices;
  const notSeen = useCallback(
    (error: unknown) => tell({ about: 'presence', tone: 'bad', say: () => `Nobody can be shown here: ${refusalSentence(error)}` }),
    [tell],
  );
  const everybody = useEverybody(center, notSeen);
  const { asked, stay } = useWayBack(current !== undefined);
  useAttention(phone, nameOf);
  // A call is looked at from its beginning.
  const isBusy = current !== undefined;
  useEffect(() => {
    if (isBusy) setPage('phone');
  }, [isBusy]);
  const isOnStage = isBusy && page === 'phone';
  return (
    <div className="app">
      <Header {...{ center, page, onSignOut }} onPage={setPage} />
      <p className="unseen" role="alert">
        {ringing && `${nameOf(ringing.state.initiator)} is calling`}
      </p>
      {current && page !== 'phone' && <CallBar call={current} phone={phone} nameOf={nameOf} onReturn={() => setPage('phone')} />}
      {elsewhere && !current && <ElsewhereBar call={elsewhere} phone={phone} nameOf={nameOf} />}
      <NoticesView notices={notices} nameOf={nameOf} />
      {asked && <LeaveQuestion onStay={stay} onHangUp={() => current && phone.hangUp(current)} />}
      <main id="main" tabIndex={-1} data-focus-home className={isOnStage ? 'on-stage' : ''}>
        {current && <Stage key={keyOf(current)} call={current} isHidden={!isOnStage} {...{ center, phone, everybody, nameOf }} />}
        {!isBusy && page === 'phone' && <StartPage {...{ center, phone, everybody, nameOf }} />}
        {page === 'people' && <People {...{ everybody, nameOf }} />}
        {page === 'devices' && <Devices {...{ everybody, nameOf }} />}
      </main>
      {ringing && <Ring key={ringing.ringId} call={ringing} phone={phone} nameOf={nameOf} onAnswered={() => setPage('phone')} />}
    </div>
  );
}

const connectionTexts: Record<ConnectionState, string> = {
  connected: 'Connected',
  connecting: 'Connecting…',
  reconnecting: 'Reconnecting…',
  closed: 'Signed out',
};

function Header({ center, page, onPage, onSignOut }: Props & { page: Page; onPage: (page: Page) => void }) {
  const connection = useConnection(center);
  const nameOf = useNames(center);
  return (
    <header className="top">
      <span className="row me">
        <span className="wrap">
          <strong>{nameOf(center.userAlias)}</strong>
        </span>
        <span className={`dot ${connection}`} role="status">
          <span className={connection === 'connected' ? 'unseen' : ''}>{connectionTexts[connection]}</span>
        </span>
      </span>
      <nav aria-label="Pages" className="row">
        {(Object.keys(pages) as Page[]).map((name) => (
          <button
            key={name}
            type="button"
            className="button quiet"
            aria-current={page === name ? 'page' : undefined}
            onClick={() => onPage(name)}
          >
            {pages[name]}
          </button>
        ))}
      </nav>
      <span className="row">
        <NotifyButton />
        <button type="button" className="button" onClick={onSignOut}>
          Sign out
        </button>
      </span>
    </header>
  );
}

/** Browsers ask once, and only when somebody pressed something. */
function NotifyButton() {
  const [permission, setPermission] = useState(() => ('Notification' in window ? Notification.permission : 'denied'));
  if (permission !== 'default') return null;
  return (
    <button
      type="button"
      className="icon-button"
      aria-label="Tell me of calls when I look elsewhere"
      title="Tell me of calls when I look elsewhere"
      onClick={() => void Notification.requestPermission().then(setPermission)}
    >
      <IconBell size={20} />
    </button>
  );
}

function LeaveQuestion({ onStay, onHangUp }: { onStay: () => void; onHangUp: () => void }) {
  return (
    <div className="notices">
      <div className="notice plain" role="alert">
        <span className="grow">You are in a call. Leave it?</span>
        <button type="button" className="button" onClick={onStay}>
          Stay in the call
        </button>
        <button type="button" className="button hang-up" onClick={onHangUp}>
          Leave the call
        </button>
      </div>
    </div>
  );
}
