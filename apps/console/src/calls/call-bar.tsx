import { IconPhoneOff } from '../icons.js';
import { listed } from '../words/lists.js';
import { CallStateText, partnersOf } from './call-state-text.js';
import type { Phone } from './use-phone.js';

interface Props {
  phone: Phone;
  nameOf: (userAlias: string) => string;
  onReturn: () => void;
}

/** The call under way, while another part of the page is looked at. */
export function CallBar({ phone, nameOf, onReturn }: Props) {
  const { current, dialing } = phone;
  return (
    <section className="call-bar" aria-label="Call under way">
      <span className="grow wrap">
        <strong>{listed(partnersOf(phone).map(nameOf))}</strong> <CallStateText call={current} />
      </span>
      <button type="button" className="button" onClick={onReturn}>
        Return
      </button>
      <button type="button" className="button hang-up" onClick={() => (current ? phone.hangUp(current) : dialing?.cancel())}>
        <IconPhoneOff size={18} /> {current?.phase === 'connected' ? 'Hang up' : 'Cancel'}
      </button>
    </section>
  );
}
