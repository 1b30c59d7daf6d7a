/** Calls that are over are kept for a while only, to know repeats of their events: in a rebuild, for what is read in ten minutes. */
export const prune = ["DELETE FROM current_calls WHERE ended_at < now() - interval '10 minutes'"];

/** What presence is made of, by person, in the tables of one schema. */
const readings = (schema: string) => `
  SELECT app_id, user_alias, session_id::text AS what, (device_id, platform, away, opened_at)::text AS how
  FROM ${schema}device_sessions WHERE closed_at IS NULL
  UNION ALL
  SELECT app_id, unnest(participants), call_id::text, sequence::text FROM ${schema}current_calls WHERE NOT ended
  UNION ALL
  SELECT app_id, user_alias, 'user', concat(do_not_disturb, groups) FROM ${schema}known_users WHERE NOT deleted`;

/**
 * Marks whoever the rebuilt tables place somewhere else than those they replace: only of them something may have to be
 * said, so a rebuild that comes to the same result says nothing.
 */
export function markWhoDiffers(shadow: string): readonly string[] {
  const [older, newer] = [`(${readings('')})`, `(${readings(`${shadow}.`)})`];
  return [
    `INSERT INTO people_to_look_at (app_id, user_alias)
     SELECT DISTINCT app_id COLLATE "C", user_alias COLLATE "C" FROM (
       (${older} EXCEPT ALL ${newer}) UNION ALL (${newer} EXCEPT ALL ${older})
     ) AS differing ORDER BY 1, 2
     ON CONFLICT (app_id, user_alias) DO UPDATE SET marks = people_to_look_at.marks + 1`,
  ];
}
