import { runService } from '@communication-center/service';
import { AppModule } from './app.module.js';
import { notifications } from './migrations/1-notifications.js';
import { emailsByApp, emailsNotByTime } from './migrations/2-emails-by-app.js';
import { consumers } from './migrations/3-consumers.js';
import { outbox } from './migrations/4-outbox.js';
import { outboxFunctions } from './migrations/5-outbox-functions.js';
import { traces } from './migrations/6-traces.js';
import { outboxRows } from './migrations/7-outbox-rows.js';
import { emailsByUser } from './migrations/8-emails-by-user.js';
import { erasedApps } from './migrations/9-erased-apps.js';
import { erasedAppsTimes } from './migrations/10-erased-apps-times.js';
import { push } from './migrations/11-push.js';
import { rules } from './migrations/14-rules.js';
import { emailsMoved } from './migrations/15-emails-moved.js';
import { contactsByGroup } from './migrations/16-contacts-by-group.js';
import { sms, smsLately } from './migrations/17-sms.js';
import { contactMails } from './migrations/18-contact-mails.js';
import { toldRings } from './migrations/20-told-rings.js';
import { pushReplicas } from './migrations/21-push-replicas.js';
import { smsNumbers, smsNumbersFound } from './migrations/22-sms-numbers.js';
import { ringsBegun } from './migrations/23-begin-rings.js';
import { sealed } from './sealed-columns.js';
import { settings } from './settings.js';
import { smsStatusRoute } from './sms/sms-status.controller.js';

await runService({
  name: 'notifications',
  module: AppModule,
  settings,
  migrations: [
    notifications,
    emailsByApp,
    emailsNotByTime,
    consumers,
    outbox,
    outboxFunctions,
    traces,
    outboxRows,
    emailsByUser,
    erasedApps,
    erasedAppsTimes,
    push,
    rules,
    emailsMoved,
    contactsByGroup,
    sms,
    smsLately,
    contactMails,
    toldRings,
    pushReplicas,
    smsNumbers,
    smsNumbersFound,
    ringsBegun,
  ],
  sealed,
  forms: [smsStatusRoute],
});
