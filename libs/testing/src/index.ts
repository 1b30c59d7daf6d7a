export { Browsers } from './browsers.js';
export { eventually, holds } from './eventually.js';
export { Fleet, type ProcessName, type TestApp } from './fleet.js';
export { janusRooms } from './janus-rooms.js';
export { MailServer } from './mail-server.js';
export { endOf, type Phone, Phones, ringOf } from './phones.js';
export { RawSocket } from './raw-socket.js';
export { TestSchema } from './test-schema.js';
export { WebhookReceiver } from './webhook-receiver.js';
