/*
 * How long a replica has what it is at: each claim holds for a moment, and all of them for as long as the replica says that it lives.
 */

/** How long a claim holds that nobody renews, in seconds: then another replica takes the push over. */
export const claimSeconds = 1;

/** In SQL: until when what is claimed now is claimed. */
export const untilAgain = `clock_timestamp() + make_interval(secs => ${claimSeconds})`;

/**
 * Whether the replica that claimed a push says that it lives. By when the statement began: what it sees of that is no older, so that it takes
 * nothing from one that has said so since.
 */
export const lives = (of: string) =>
  `EXISTS (SELECT 1 FROM push_replicas AS h WHERE h.replica = ${of}.claimed_by AND h.lives_until > statement_timestamp())`;
/** Whether nobody is at a push: it is done with, or who was at it has died. */
export const isFree = `(p.claimed_until IS NULL OR (p.claimed_until < clock_timestamp() AND NOT ${lives('p')}))`;
