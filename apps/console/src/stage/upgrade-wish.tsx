import type { Call } from '@communication-center/client';
import type { Phone } from '../calls/use-phone.js';

interface Props {
  call: Call;
  phone: Phone;
  nameOf: (userAlias: string) => string;
}

/** A wish for video that waits: one's own to take back, somebody else's to consent to. Cameras stay off until then. */
export function UpgradeWish({ call, phone, nameOf }: Props) {
  const by = call.upgradeRequestedBy;
  return (
    <div role="alert">
      {call.state.upgrade && (
        <div className="notice plain">
          <span className="grow wrap">{by ? `${nameOf(by)} asks for video` : 'Waiting for consent to video'}</span>
          {by && (
            <button type="button" className="button brand" onClick={() => phone.attempt(call.acceptUpgrade())}>
              Turn video on
            </button>
          )}
          <button type="button" className="button" onClick={() => phone.attempt(call.refuseUpgrade())}>
            {by ? 'No' : 'Take it back'}
          </button>
        </div>
      )}
    </div>
  );
}
