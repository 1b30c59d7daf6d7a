/**
 * What a call of two devices (dial, ringing, answer, hang up) may cost on the fleet of the tests: two replicas of each service
 * with leases as short as tests want them, and what the fleet does without calls taken off. More than `usual` is told as a
 * warning; more than `bound` fails. Whoever makes a call cheaper lowers both.
 */
export const price = {
  statements: { usual: 80, bound: 160 },
  commits: { usual: 60, bound: 140 },
  kafkaRequests: { usual: 30, bound: 60 },
} as const;
