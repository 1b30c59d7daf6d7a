import { register } from 'prom-client';

/*
 * Test files that share a process may load a library's sources as well as its build, and so make the same metric twice: the
 * later one counts.
 */
const add = register.registerMetric.bind(register);
register.registerMetric = (metric) => {
  // What prom-client's types leave out, every metric has.
  register.removeSingleMetric((metric as unknown as { name: string }).name);
  add(metric);
};
