import { IconClose } from '../icons.js';
import type { Notice, Notices } from './use-notices.js';

/** What was told: read aloud when it comes, whatever part of the page is looked at. */
export function NoticesView({ notices, nameOf }: { notices: Notices; nameOf: (userAlias: string) => string }) {
  const shown = (tone: Notice['tone']) =>
    notices.all.filter((notice) => notice.tone === tone).map((notice) => <One key={notice.about} {...{ notice, notices, nameOf }} />);
  return (
    <div className="notices">
      <div role="status">{shown('plain')}</div>
      <div role="alert">{shown('bad')}</div>
    </div>
  );
}

function One({ notice: { about, tone, say, offer }, notices, nameOf }: { notice: Notice } & Parameters<typeof NoticesView>[0]) {
  const act = () => {
    notices.forget(about);
    offer?.act();
  };
  return (
    <div className={`notice ${tone}`}>
      <span className="grow wrap">{say(nameOf)}</span>
      {offer && (
        <button type="button" className="button" onClick={act}>
          {offer.label}
        </button>
      )}
      <button type="button" className="icon-button" aria-label="Close this message" onClick={() => notices.forget(about)}>
        <IconClose size={18} />
      </button>
    </div>
  );
}
