import { CommunicationCenter } from '@communication-center/client';
import { type FormEvent, useEffect, useState } from 'react';
import { keptDevices } from '../calls/kept-devices.js';
import { keptWishes } from '../calls/kept-wishes.js';
import { refusalSentence } from '../words/refusals.js';
import { type Credentials, forgetSignIn, keepSignIn, keptSignIn } from './kept-sign-in.js';
import { ownDeviceId } from './own-device.js';

interface Props {
  onSignedIn: (center: CommunicationCenter) => void;
}

const given = new URLSearchParams(window.location.search);
const kept = () => keptSignIn(given);

/** Leaves an attempt that may go on for long. */
function signInAnew(): void {
  forgetSignIn();
  window.location.reload();
}

/**
 * Signs in with an app id and an alias, as apps in development may. The address can fill both in: /?app=demo&alias=alice. Whoever
 * signed in within this tab is signed in again by itself.
 */
export function SignIn({ onSignedIn }: Props) {
  const [again, setAgain] = useState(kept);
  const [appId, setAppId] = useState(again?.appId ?? given.get('app') ?? 'demo');
  const [userAlias, setUserAlias] = useState(again?.userAlias ?? given.get('alias') ?? '');
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);

  const signIn = async (credentials: Credentials) => {
    setBusy(true);
    setError(undefined);
    try {
      const center = await CommunicationCenter.connect({
        url: window.location.origin,
        deviceId: await ownDeviceId(),
        // A call that this device is still in goes on as it was.
        sending: keptWishes(),
        devices: keptDevices(),
        ...credentials,
      });
      keepSignIn(credentials);
      onSignedIn(center);
    } catch (problem) {
      forgetSignIn();
      setAgain(undefined);
      setError(refusalSentence(problem));
      setBusy(false);
    }
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the page comes back
  useEffect(() => {
    if (again) void signIn(again);
  }, []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!busy) void signIn({ appId, userAlias });
  };

  if (again) {
    return (
      <main className="centered" id="main" tabIndex={-1}>
        <div className="card">
          <p role="status">Signing {again.userAlias} in again…</p>
          <button type="button" className="button" onClick={signInAnew}>
            Sign in as somebody else
          </button>
        </div>
      </main>
    );
  }
  return (
    <main className="centered" id="main" tabIndex={-1}>
      <form className="card sign-in" onSubmit={submit}>
        <h1>Communication Center</h1>
        <p className="soft">Open this page in two windows, sign in as two people, and call.</p>
        <label>
          App id
          <input
            value={appId}
            onChange={(event) => setAppId(event.currentTarget.value)}
            required
            autoComplete="off"
            autoCapitalize="none"
          />
        </label>
        <label>
          Your alias
          <input
            value={userAlias}
            onChange={(event) => setUserAlias(event.currentTarget.value)}
            required
            autoComplete="username"
            autoCapitalize="none"
            aria-describedby="alias-hint"
            // biome-ignore lint/a11y/noAutofocus: there is one thing to do on this page
            autoFocus
          />
        </label>
        <p className="soft small" id="alias-hint">
          alice, bob and carol are known in the demo app; any other name is made when it signs in
        </p>
        <p role="alert" className={error ? 'notice bad' : 'empty'}>
          {error}
        </p>
        <button type="submit" className="button brand" aria-disabled={busy}>
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
    </main>
  );
}
