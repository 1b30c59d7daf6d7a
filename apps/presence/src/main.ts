import { runService } from '@communication-center/service';
import { AppModule } from './app.module.js';
import { presence } from './migrations/1-presence.js';
import { presenceChanges } from './migrations/2-presence-changes.js';
import { ages } from './migrations/3-ages.js';
import { consumers } from './migrations/4-consumers.js';
import { buckets } from './migrations/5-buckets.js';
import { settings } from './settings.js';

await runService({ name: 'presence', module: AppModule, settings, migrations: [presence, presenceChanges, ages, consumers, buckets] });
