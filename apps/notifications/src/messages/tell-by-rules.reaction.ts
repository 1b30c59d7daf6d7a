import type { AppId, CallEvent, RuleView } from '@communication-center/contracts';
import { EventLogServer, type ReactionBatch, ReactToEvents } from '@communication-center/event-log';
import { Postgres, resumeTrace } from '@communication-center/service';
import { Controller, Inject } from '@nestjs/common';
import { beginningsOf, groupsIn, mayBeReached, mayBeTold, reachingOf, typesOfRules, waitsForRing } from '../domain/begin-chains.js';
import { RuleStore } from '../rules/rule-store.js';
import { membersOf, type NewMessage, noteReaching } from './message-rows.js';
import { Messages } from './messages.js';

/**
 * Begins chains by the rules of apps, and notes of those under way what later events say. What is too old to be news is let go. Its group has the name of
 * what it did first, so that it goes on where that stood.
 */
@Controller()
export class TellByRules {
  constructor(
    private readonly database: Postgres,
    private readonly rules: RuleStore,
    private readonly messages: Messages,
    @Inject(EventLogServer) server: Pick<EventLogServer, 'heedTypes'>,
  ) {
    // By the same rules as what is told: those of a second ago at most.
    server.heedTypes('email-absent-callee', async (appIds) => {
      const byApp = await this.rules.ofApps(appIds as readonly AppId[]);
      const types = new Map([...byApp].map(([appId, ofApp]) => [appId as string, typesOfRules(ofApp)]));
      return (appId, type) => types.get(appId)?.has(type) ?? true;
    });
  }

  @ReactToEvents('email-absent-callee', { topics: ['calls.events'], pace: 'steady' })
  async tell({ events }: ReactionBatch<'calls.events'>): Promise<void> {
    const concerned = events.filter((event) => mayBeTold(event) || reachingOf(event) !== undefined);
    if (concerned.length === 0) return;
    const rules = await this.rules.ofApps(concerned.map(({ appid }) => appid));
    for (const ofApp of Map.groupBy(concerned, ({ appid }) => appid).values()) await this.#tellOf(ofApp, rules);
  }

  async #tellOf(events: readonly CallEvent[], byApp: ReadonlyMap<AppId, readonly RuleView[]>): Promise<void> {
    const rules = byApp.get(events[0]?.appid as AppId) ?? [];
    const reachings = events.flatMap((event) => {
      const reaching = reachingOf(event);
      return reaching ? [{ ...reaching, callId: event.callid, sequence: event.sequence }] : [];
    });
    if (mayBeReached(rules)) await noteReaching(this.database, reachings);
    const begun: NewMessage[] = [];
    for (const event of events) begun.push(...(await this.#begunBy(event, rules)));
    // What came with it in one batch is known already.
    const fresh = begun.flatMap((one) => {
      const said = reachings.filter(
        ({ callId, sequence, userAlias, reached }) =>
          callId === one.callId &&
          sequence > one.sequence &&
          (userAlias === null || ('userAlias' in one.to && one.to.userAlias === userAlias)) &&
          (reached !== 'ring_ended' || waitsForRing(one.about.event)),
      );
      return said.some(({ reached }) => reached !== null) ? [] : [{ ...one, rang: said.some(({ rang }) => rang) }];
    });
    if (fresh.length > 0) await resumeTrace(events, () => this.messages.begin(fresh));
  }

  async #begunBy(event: CallEvent, rules: readonly RuleView[]): Promise<NewMessage[]> {
    if (!mayBeTold(event)) return [];
    const { appid: appId, callid: callId, id: eventId, sequence } = event;
    const age = Date.now() - Date.parse(event.time);
    const inTime = rules.filter(({ withinSeconds }) => age < withinSeconds * 1000);
    const members = await membersOf(this.database, appId, groupsIn(inTime, event));
    return beginningsOf(event, inTime, members).map((one) => ({ ...one, appId, eventId, callId, sequence, rang: false }));
  }
}
