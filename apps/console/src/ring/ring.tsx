import type { Call } from '@communication-center/client';
import type { DeclineReason } from '@communication-center/contracts';
import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { Phone } from '../calls/use-phone.js';
import { IconBellOff, IconChevronDown, IconPhone, IconPhoneOff } from '../icons.js';
import { Avatar } from '../parts/avatar.js';
import { Disclosure } from '../parts/disclosure.js';
import { listed } from '../words/lists.js';
import { startRingTone } from './ring-tone.js';
import { useSafeKeys } from './use-safe-keys.js';

interface Props {
  call: Call;
  phone: Phone;
  nameOf: (userAlias: string) => string;
  onAnswered: () => void;
}

/**
 * Rings, says who calls, and offers what one can do about it, above whatever is looked at. It takes the focus only from what nobody
 * writes in; Escape silences it here, and gives the focus back.
 */
export function Ring({ call, phone, nameOf, onAnswered }: Props) {
  const { initiator, callType } = call.state;
  const isBusy = Boolean(phone.current) || call.waiting;
  const [isSilent, setSilent] = useState(false);
  const answerButton = useRef<HTMLButtonElement>(null);
  const safeKeys = useSafeKeys();
  const { giveBack, keep } = useFocusOf(answerButton);
  useEffect(() => (isSilent ? undefined : startRingTone()), [isSilent]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented || isField(event.target)) return;
      setSilent(true);
      giveBack();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [giveBack]);
  const answer = () => {
    // The focus goes on to the call.
    keep();
    phone.answer(call, isBusy);
    onAnswered();
  };
  const decline = (reason?: DeclineReason) => phone.attempt(call.decline(reason ? { reason } : {}));
  const others = call.others.filter(({ userAlias }) => userAlias !== initiator).map(({ userAlias }) => nameOf(userAlias));
  return (
    <div className="ring card" role="dialog" aria-label={isBusy ? 'Another call is waiting' : 'Incoming call'} {...safeKeys}>
      <Avatar name={nameOf(initiator)} size="large" />
      <div className="grow">
        <h2 className="wrap">{nameOf(initiator)}</h2>
        <p className="soft wrap">
          {callType === 'audio_video' ? 'wants to talk with video' : 'wants to talk'}
          {others.length > 0 && `, with ${listed(others)}`}
          {isBusy && '. You are in another call'}
        </p>
      </div>
      <div className="row">
        <button type="button" ref={answerButton} className="button brand" onClick={answer}>
          <IconPhone size={18} /> {isBusy ? 'Hang up and answer' : 'Answer'}
        </button>
        <button type="button" className="button hang-up" onClick={() => decline()}>
          <IconPhoneOff size={18} /> Decline
        </button>
        <Disclosure
          label="Decline with a reason"
          className="icon-button outlined"
          shows={() => (
            <>
              <button type="button" className="choice" onClick={() => decline('busy')}>
                I am busy
              </button>
              <button type="button" className="choice" onClick={() => decline('do_not_disturb')}>
                Do not disturb
              </button>
            </>
          )}
        >
          <IconChevronDown size={18} />
        </Disclosure>
        <button type="button" className="button" onClick={() => phone.ignore(call)}>
          <IconBellOff size={18} /> Ignore here
        </button>
      </div>
      <p className="soft small">{isSilent ? 'Silent on this device' : 'Escape silences it on this device'}</p>
    </div>
  );
}

function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/**
 * Takes the focus unless somebody writes.
 * @returns what gives it back to where it was, as the end of the ring does, unless it was told to keep it.
 */
function useFocusOf(target: RefObject<HTMLElement | null>): { giveBack: () => void; keep: () => void } {
  const [focus] = useState(() => {
    const before = document.activeElement;
    let isKept = false;
    return {
      keep: () => {
        isKept = true;
      },
      giveBack: () => {
        const isInRing = target.current?.closest('.ring')?.contains(document.activeElement);
        if (isInRing && !isKept && before instanceof HTMLElement && before.isConnected) before.focus();
      },
    };
  });
  // Before the ring is taken out of the page, and the focus with it.
  useLayoutEffect(() => focus.giveBack, [focus]);
  useEffect(() => {
    if (!isField(document.activeElement)) target.current?.focus({ preventScroll: true });
  }, [target]);
  return focus;
}
