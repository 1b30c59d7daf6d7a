import type { CommunicationCenter } from '@communication-center/client';
import { useEffect, useState } from 'react';
import { Phone } from './phone/phone.js';
import { SignIn } from './sign-in/sign-in.js';

/** A phone to try the Center with: sign in, then call. */
export function App() {
  const [center, setCenter] = useState<CommunicationCenter>();
  useEffect(() => () => center?.close(), [center]);
  if (!center) return <SignIn onSignedIn={setCenter} />;
  const signOut = () => {
    center.close();
    setCenter(undefined);
  };
  return <Phone center={center} onSignOut={signOut} />;
}
