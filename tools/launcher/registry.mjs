import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** Every service, as libs/contracts/src/services.ts describes it: read as it is, since nothing is installed or compiled yet. */
export const registry = JSON.parse(readFileSync(join(root, 'libs/contracts/src/services.json'), 'utf8'));
export const serviceNames = registry.map(({ name }) => name);

/** Whether a process is a service: `calls`, or its second replica, `calls-2`. */
export function isService(name) {
  return serviceNames.includes(name.replace(/-\d+$/, ''));
}

/** How the port is called at which a service answers other services: one with a door has its own name for that one. */
export const internalPort = ({ name, door }) => (door ? `${name}Internal` : name);

/** Servers' ports, each a fixed step above an instance's first. */
const servers = {
  postgres: 30,
  redis: 31,
  kafka: 32,
  kafkaController: 33,
  janus: 34,
  'kafka-2': 35,
  'kafkaController-2': 36,
  'kafka-3': 37,
  'kafkaController-3': 38,
  apns: 39,
  smtp: 40,
  pgbouncer: 41,
  farPostgres: 42,
  farKafka: 43,
  'farKafka-2': 44,
  'farKafka-3': 45,
  kafkaFarDoor: 46,
  'kafkaFarDoor-2': 47,
  'kafkaFarDoor-3': 48,
  google: 49,
  twilio: 81,
};

/** What is between the first ports of two instances. */
export const portsOfAnInstance = 100;

const withDoors = registry.filter(({ door }) => door);
if (withDoors.length > 10 || registry.length > 20) throw new Error('the ports of an instance are used up: widen the steps below');

/** Each port's step above an instance's first: doors, what services ask each other, servers, and the same for second replicas. */
export const steps = {
  ...Object.fromEntries(withDoors.map(({ name }, index) => [name, index])),
  ...Object.fromEntries(registry.map((service, index) => [internalPort(service), 10 + index])),
  ...servers,
  ...Object.fromEntries(withDoors.map(({ name }, index) => [`${name}-2`, 50 + index])),
  ...Object.fromEntries(registry.map((service, index) => [`${internalPort(service)}-2`, 60 + index])),
  'janus-2': 80,
};
