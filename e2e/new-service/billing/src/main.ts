import { runService } from '@communication-center/service';
import { AppModule } from './app.module.js';
import { usage } from './migrations/1-usage.js';
import { settings } from './settings.js';

await runService({ name: 'billing', module: AppModule, settings, migrations: [usage] });
