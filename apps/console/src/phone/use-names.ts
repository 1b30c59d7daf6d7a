import type { CommunicationCenter } from '@communication-center/client';
import { useQuery } from '@tanstack/react-query';

/** @returns what to call people: their names where they have one, else their aliases. */
export function useNames(center: CommunicationCenter, userAliases: string[]): (userAlias: string) => string {
  const wanted = [...new Set(userAliases)].sort();
  const { data } = useQuery({
    queryKey: ['profiles', center.userAlias, wanted],
    queryFn: () => center.profiles(wanted),
    enabled: wanted.length > 0,
    staleTime: 60_000,
  });
  return (userAlias) => data?.find((profile) => profile.userAlias === userAlias)?.name ?? userAlias;
}
