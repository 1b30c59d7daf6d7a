import type { CommunicationCenter, ConnectionState } from '@communication-center/client';
import { useEffect, useState } from 'react';

export function useConnection(center: CommunicationCenter): ConnectionState {
  const [state, setState] = useState(center.connectionState);
  useEffect(() => center.on('connection', setState), [center]);
  return state;
}
