/** People of an app, for whom its server acts, each on one device. */
export class People {
  #ask;
  #key;

  constructor(ask, key) {
    this.#ask = ask;
    this.#key = key;
  }

  /** Makes as many users as so many calls of a size need. */
  async make(calls, size) {
    const names = Array.from({ length: calls }, (_, number) => Array.from({ length: size }, (_, index) => nameOf(number, index))).flat();
    for (let first = 0; first < names.length; first += 20)
      await Promise.all(names.slice(first, first + 20).map((name) => this.#must('PUT', `/v1/users/${name}`, {})));
  }

  /** A call that everybody has answered. @returns {Promise<{callId: string, credentials: {url: string, token: string}[]}>} */
  async call(number, size) {
    const [caller, ...callees] = Array.from({ length: size }, (_, index) => nameOf(number, index));
    const dialed = await this.#must('POST', '/v1/calls', { userAlias: caller, deviceId: `${caller}-desk`, callees });
    const answers = [];
    for (const name of callees) answers.push(await this.#act('answer', dialed.callId, name));
    return { callId: dialed.callId, credentials: [dialed, ...answers].map(({ media }) => media) };
  }

  /** Everybody hangs up: a call of many goes on without who leaves. */
  async hangUp(callId, number, size) {
    for (let index = 0; index < size; index += 1)
      await this.#act('hang-up', callId, nameOf(number, index)).catch((error) => {
        if (!/call_over|already|not_in|not_found|ended/.test(error.message)) throw error;
      });
  }

  #act(act, callId, userAlias) {
    return this.#must('POST', `/v1/calls/${callId}/${act}`, { userAlias, deviceId: `${userAlias}-desk` });
  }

  async #must(method, path, body) {
    const answer = await this.#ask(method, path, this.#key, body);
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
}

const nameOf = (number, index) => `person-${number}-${index}`;
