import type { CommunicationCenter } from '@communication-center/client';
import { useEffect, useState } from 'react';
import { useFocusHome } from './parts/use-focus-home.js';
import { forgetSignIn } from './sign-in/kept-sign-in.js';
import { SignIn } from './sign-in/sign-in.js';
import { SignedIn } from './signed-in.js';

/** A phone to try the Center with, and the wall of who is where. */
export function App() {
  const [center, setCenter] = useState<CommunicationCenter>();
  useFocusHome();
  useEffect(() => () => center?.close(), [center]);
  if (!center) return <SignIn onSignedIn={setCenter} />;
  const signOut = () => {
    forgetSignIn();
    setCenter(undefined);
  };
  return <SignedIn center={center} onSignOut={signOut} />;
}
