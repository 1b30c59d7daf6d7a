import { Borrowing } from './launcher/borrowing.mjs';
import { openInstance } from './launcher/instance.mjs';
import { Refusal, say } from './launcher/output.mjs';
import { serviceNames } from './launcher/registry.mjs';

/*
 * npm run dev                     the whole fleet; what is saved is compiled, and what is built from it restarted
 * npm run dev -- calls presence   these services alone, from their sources, in the fleet that npm start runs; Ctrl-C gives them back
 * CENTER_INSTANCE names another fleet of this folder, such as `test`.
 */
const names = [...new Set(process.argv.slice(2))];
if (names.length === 0) {
  process.argv.push('--watch');
  await import('./start.mjs');
} else {
  await borrow();
}

async function borrow() {
  const unknown = names.filter((name) => !serviceNames.includes(name));
  if (unknown.length > 0) {
    console.error(`No service is called ${unknown.join(' or ')}. There are: ${serviceNames.join(', ')}.`);
    process.exit(2);
  }
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // Who asks twice does not wait: the supervisor sees that the borrower is gone.
      if (stopping.signal.aborted) process.exit(1);
      stopping.abort();
    });
  }
  const borrowing = new Borrowing(openInstance(process.env.CENTER_INSTANCE ?? 'dev'), names);
  try {
    await borrowing.run(stopping.signal);
    say(`given back: ${names.join(', ')}`);
    process.exit(0);
  } catch (error) {
    console.error(error instanceof Refusal ? `\n${error.message}` : error);
    process.exit(1);
  }
}
