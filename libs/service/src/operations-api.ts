import {
  consumerListSchema,
  deadLetterListSchema,
  discardedSchema,
  parkedKeyBodySchema,
  projectionListSchema,
  projectionViewSchema,
  rebuildBegunSchema,
  redrivenSchema,
  resealBodySchema,
  resealedSchema,
  sealedViewSchema,
} from '@communication-center/contracts/operations';
import { describeRoutes } from './described-routes.js';

const received = {
  ConsumerList: consumerListSchema,
  DeadLetterList: deadLetterListSchema,
  Discarded: discardedSchema,
  Projection: projectionViewSchema,
  ProjectionList: projectionListSchema,
  RebuildBegun: rebuildBegunSchema,
  Redriven: redrivenSchema,
  Resealed: resealedSchema,
  SealedView: sealedViewSchema,
};

/** What an operator asks of any service, for the API document. */
export const api = describeRoutes({
  sent: {
    ParkedKeyBody: parkedKeyBodySchema,
    ResealBody: resealBodySchema,
  },
  received,
  routes: {
    'GET /v1/operations/{service}/consumers': {
      summary: 'How the consumers of a service are (operator)',
      by: ['operator'],
      answer: 'ConsumerList',
    },
    'GET /v1/operations/{service}/projections': {
      summary: 'How the last rebuild of each projection went, or goes (operator)',
      by: ['operator'],
      answer: 'ProjectionList',
    },
    'GET /v1/operations/{service}/projections/{name}': {
      summary: 'How the last rebuild of a projection went, or goes (operator)',
      by: ['operator'],
      answer: 'Projection',
      refusals: ['not_found'],
    },
    'POST /v1/operations/{service}/projections/{name}/rebuild': {
      summary: 'Fold the whole log into a projection again, beside the one that serves (operator); Location names where it is followed',
      by: ['operator'],
      answer: 'RebuildBegun',
      refusals: ['not_found'],
    },
    'GET /v1/operations/{service}/dead-letters': {
      summary: 'Keys whose events wait (operator)',
      by: ['operator'],
      answer: 'DeadLetterList',
    },
    'POST /v1/operations/{service}/dead-letters/redrive': {
      summary:
        'Handle the events of a parked key again, in order (operator); one that takes long is answered 202 and followed in dead-letters',
      by: ['operator'],
      answer: 'Redriven',
      refusals: ['not_found', 'conflict'],
    },
    'POST /v1/operations/{service}/dead-letters/discard': {
      summary: 'Give up the events of a parked key for good (operator)',
      by: ['operator'],
      answer: 'Discarded',
      refusals: ['not_found'],
    },
    'GET /v1/operations/{service}/secrets': {
      summary: 'Which keys sealed what the service keeps sealed (operator)',
      by: ['operator'],
      answer: 'SealedView',
      refusals: ['not_found'],
    },
    'POST /v1/operations/{service}/secrets/reseal': {
      summary: 'Seal with the first key what others sealed, for a few seconds; ask again while some are left (operator)',
      by: ['operator'],
      answer: 'Resealed',
      refusals: ['not_found', 'conflict'],
    },
  },
});
