/* Runs the call in Node: with the WebSocket of the package ws where it is asked for, else with the platform's own. */
import WebSocket from 'ws';
import { callOnce, type Wanted } from './app.js';

const { ws, ...wanted } = JSON.parse(process.argv[2] ?? '{}') as Wanted & { ws: boolean };
console.log(JSON.stringify(await callOnce({ ...wanted, ...(ws && { webSocket: WebSocket }) })));
