module.exports = {
  createSocket() {
    throw new Error('Unix datagram sockets are not supported here: reach Janus over ws:// or wss://');
  },
};
