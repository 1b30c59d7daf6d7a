import { runService } from '@communication-center/service';
import { AppModule } from './app.module.js';
import { migrations } from './migrations/index.js';
import { sealed } from './sealed-columns.js';
import { settings } from './settings.js';

await runService({ name: 'webhooks', module: AppModule, settings, migrations, sealed });
