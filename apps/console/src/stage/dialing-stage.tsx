import { CallStateText } from '../calls/call-state-text.js';
import type { Dialing } from '../calls/use-phone.js';
import { IconPhoneOff } from '../icons.js';
import { listed } from '../words/lists.js';
import { Control } from './control.js';
import { Tile } from './tile.js';

interface Props {
  dialing: Dialing;
  nameOf: (userAlias: string) => string;
  isHidden: boolean;
}

/** A call from the moment somebody pressed Call, until the Center knows it: it can be cancelled at once. */
export function DialingStage({ dialing: { callees, cancel }, nameOf, isHidden }: Props) {
  return (
    <section className="stage" aria-label="Current call" hidden={isHidden} data-focus-home tabIndex={-1}>
      <header className="row between">
        <h1 className="wrap">{listed(callees.map(nameOf))}</h1>
        <CallStateText call={undefined} />
      </header>
      <div className="scene">
        <div className={`tiles of-${Math.min(callees.length, 9)}`}>
          {callees.map((userAlias) => (
            <Tile key={userAlias} stream={undefined} name={nameOf(userAlias)} note="calling" />
          ))}
        </div>
      </div>
      <div className="controls" role="toolbar" aria-label="Call controls">
        <Control label="Cancel" icon={<IconPhoneOff />} onClick={cancel} />
      </div>
    </section>
  );
}
