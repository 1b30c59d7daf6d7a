/** Has this process do what {@link Helper} tells it, until that ends. @param acts by their names. */
export function serveActs(acts) {
  process.on('message', async ({ id, act, given }) => {
    try {
      process.send({ id, result: await acts[act](given) });
    } catch (error) {
      process.send({ id, error: error.stack });
    }
  });
  process.on('disconnect', () => process.exit(0));
}
