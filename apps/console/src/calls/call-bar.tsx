import type { Call } from '@communication-center/client';
import { IconPhoneOff } from '../icons.js';
import { listed } from '../words/lists.js';
import { CallStateText, partnersOf } from './call-state-text.js';
import type { Phone } from './use-phone.js';

interface Props {
  call: Call;
  phone: Phone;
  nameOf: (userAlias: string) => string;
  onReturn: () => void;
}

/** The call under way, while another part of the page is looked at. */
export function CallBar({ call, phone, nameOf, onReturn }: Props) {
  return (
    <section className="call-bar" aria-label="Call under way">
      <span className="grow wrap">
        <strong>{listed(partnersOf(call).map(nameOf))}</strong> <CallStateText call={call} />
      </span>
      <button type="button" className="button" onClick={onReturn}>
        Return
      </button>
      <button type="button" className="button hang-up" onClick={() => phone.hangUp(call)}>
        <IconPhoneOff size={18} /> {call.phase === 'connected' ? 'Hang up' : 'Cancel'}
      </button>
    </section>
  );
}

/** The call that the user is in on another device: it can be taken over. */
export function ElsewhereBar({ call, phone, nameOf }: Omit<Props, 'onReturn'>) {
  return (
    <section className="call-bar" aria-label="Call on another device">
      <span className="grow wrap">
        You are in a call with <strong>{listed(partnersOf(call).map(nameOf))}</strong> on another device
      </span>
      <button type="button" className="button" onClick={() => phone.join(call)}>
        Take it over here
      </button>
    </section>
  );
}
