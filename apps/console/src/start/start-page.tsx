import type { CommunicationCenter, ToldPresence } from '@communication-center/client';
import type { Phone } from '../calls/use-phone.js';
import { History } from './history.js';
import { PeopleToCall } from './people-to-call.js';

interface Props {
  center: CommunicationCenter;
  phone: Phone;
  everybody: readonly ToldPresence[];
  nameOf: (userAlias: string) => string;
}

/** Whom one can call, and who called. */
export function StartPage({ center, phone, everybody, nameOf }: Props) {
  return (
    <div className="columns">
      <PeopleToCall {...{ center, phone, everybody, nameOf }} />
      <History {...{ center, phone, nameOf }} />
    </div>
  );
}
