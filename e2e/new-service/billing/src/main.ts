import { runService } from '@communication-center/service';
import { AppModule } from './app.module.js';
import { usage } from './migrations/1-usage.js';
import { settings } from './settings.js';
import { openLiveUsage } from './used/live-usage.js';

await runService({
  name: 'billing',
  module: AppModule,
  settings,
  migrations: [usage],
  prepare: (app) => {
    // Files are taken as they come.
    app
      .getHttpAdapter()
      .getInstance()
      .addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
    openLiveUsage(app);
  },
});
