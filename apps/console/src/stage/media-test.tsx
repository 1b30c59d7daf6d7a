import type { CommunicationCenter, MediaTestReport } from '@communication-center/client';
import { useEffect, useRef, useState } from 'react';

/** How media would go from here: asked for by a button, told in words. */
export function MediaTest({ center }: { center: CommunicationCenter }) {
  const [isRunning, setRunning] = useState(false);
  const [report, setReport] = useState<MediaTestReport>();
  const [problem, setProblem] = useState<string>();
  const isThere = useRef(true);
  useEffect(() => {
    isThere.current = true;
    return () => {
      isThere.current = false;
    };
  }, []);
  const run = async () => {
    setRunning(true);
    setProblem(undefined);
    try {
      const told = await center.testMedia();
      if (isThere.current) setReport(told);
    } catch (error) {
      if (isThere.current) setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      if (isThere.current) setRunning(false);
    }
  };
  return (
    <fieldset className="device-choice">
      <legend>Connection</legend>
      <button type="button" className="button" disabled={isRunning} onClick={() => void run()}>
        {isRunning ? 'Testing…' : 'Test the connection'}
      </button>
      <div role="status">{report && !isRunning && <Report report={report} />}</div>
      <div role="alert">{problem && <p className="notice bad">{problem}</p>}</div>
    </fieldset>
  );
}

const verdicts: Record<MediaTestReport['verdict'], string> = {
  good: 'Good: sound and pictures get through.',
  poor: 'Poor: sound gets through, pictures may not.',
  failed: 'Nothing gets through.',
};

function Report({ report: { verdict, turn, echo, problem } }: { report: MediaTestReport }) {
  const known = [
    echo && `${echo.upKbps} kbit/s out, ${echo.downKbps} back`,
    echo?.roundTripMs != null && `${echo.roundTripMs} ms to the media server and back`,
    echo?.lossPercent != null && `${echo.lossPercent} % lost`,
  ];
  return (
    <>
      <p>{verdicts[verdict]}</p>
      {echo && <p className="soft">{known.filter(Boolean).join(', ')}</p>}
      {problem && <p className="soft">{problem}</p>}
      {turn.length > 0 && (
        <ul className="soft">
          {turn.map(({ url, transport, isReached }) => (
            <li key={url} className="wrap">
              {url} by {transport.toUpperCase()}: {isReached ? 'reached' : 'not reached'}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
