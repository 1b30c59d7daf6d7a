import { runService } from '@communication-center/service';
import { AppModule } from './app.module.js';
import { migrations } from './migrations/all.js';
import { neverGiven } from './read-calls/never-given.js';
import { repairIn } from './read-calls/repair.js';
import { settings } from './settings.js';

await runService({ name: 'calls', module: AppModule, settings, migrations, store: { repairIn, neverGiven } });
