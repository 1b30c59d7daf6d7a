import { runService } from '@communication-center/service';
import { AppModule } from './app.module.js';
import { media } from './migrations/1-media.js';
import { departures } from './migrations/2-departures.js';
import { consumers } from './migrations/3-consumers.js';
import { outbox } from './migrations/4-outbox.js';
import { outboxFunctions } from './migrations/5-outbox-functions.js';
import { outboxRows } from './migrations/6-outbox-rows.js';
import { openRooms } from './migrations/7-open-rooms.js';
import { quality } from './migrations/8-quality.js';
import { movedRooms, movedRoomsByTime } from './migrations/9-moved-rooms.js';
import { recordings } from './migrations/10-recordings.js';
import { broadcasts } from './migrations/11-broadcasts.js';
import { forgottenReaders } from './migrations/12-forgotten-readers.js';
import { sealed } from './sealed-columns.js';
import { settings } from './settings.js';

await runService({
  name: 'media',
  module: AppModule,
  settings,
  migrations: [
    media,
    departures,
    consumers,
    outbox,
    outboxFunctions,
    outboxRows,
    openRooms,
    quality,
    movedRooms,
    movedRoomsByTime,
    recordings,
    broadcasts,
    forgottenReaders,
  ],
  sealed,
});
