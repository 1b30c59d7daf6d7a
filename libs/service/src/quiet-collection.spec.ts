import { expect, test } from 'vitest';
import { QuietCollection, whenIdle } from './quiet-collection.js';

function looking(quiet = { below: 0.25, looks: 1, givesBack: false }) {
  const engine = { busy: 0, mb: 30, left: 30, collections: 0 };
  const collection = new QuietCollection(quiet, {
    utilization: () => engine.busy,
    used: () => engine.mb,
    collect: () => {
      engine.collections += 1;
      engine.mb = engine.left;
    },
  });
  const look = (mb: number, busy = 0) => {
    Object.assign(engine, { mb, busy });
    collection.look();
    return engine.collections;
  };
  return { engine, look };
}

test('memory that has grown by a third is looked through when it is quiet, once', () => {
  const { look } = looking();
  expect([look(30), look(36), look(41), look(30), look(36)]).toEqual([0, 0, 1, 1, 1]);
});

test('nobody who waits for something waits for that', () => {
  const { engine, look } = looking();
  look(30);
  expect([look(60, 0.9), look(90, 0.3)]).toEqual([0, 0]);
  engine.left = 50;
  expect([look(90, 0.1), look(60), look(70)]).toEqual([1, 1, 2]);
});

test('what the engine collected by itself is what counts afterwards', () => {
  const { look } = looking();
  look(90, 0.9);
  expect([look(40, 0.9), look(50), look(54)]).toEqual([0, 0, 1]);
});

test('what has room for much gives it back once after its start, as soon as it is idle, and then when it has grown', () => {
  const { look } = looking({ ...whenIdle, looks: 1 });
  expect([look(60, 0.9), look(60, 0.1), look(60), look(30), look(36), look(41, 0.1), look(41)]).toEqual([0, 0, 1, 1, 1, 1, 2]);
});

test('who has just had something to do is not looked through before he has been idle for a while', () => {
  const { look } = looking(whenIdle);
  const idle = () => look(60);
  expect([idle(), idle(), idle(), idle(), look(60, 0.03), idle(), idle(), idle(), idle(), idle()]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
});
