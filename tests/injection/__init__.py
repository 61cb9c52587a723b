# Copyright (c) 2026 GreenLang. All rights reserved.
"""One fault, every store that is measured, all figures: what is struck does not know who is measured.

- `scene`: the running platform: kubectl, processes, nodes and links; watchers and clients, started and stopped;
- `strikes`: the faults, STRIKES by name: functions of a `Blow` that return the moment from which members can come back;
- `store`: what a store tells of itself: who leads it, its clients, when it is whole, its figures;
- `postgresql`, `redis`, `weaviate`: the stores; each has a client that runs in a pod and a watcher that runs beside;
- `watching`: what watchers share: which servers there are, how they tell;
- `trial`: `trial(scene, strike, stores)`, one strike while the clients of all stores work; its figures by store;
- `figures`: pure: what clients and members told, as figures;
- `page`: the tables of docs/faults.md, one a store.

A store is a subclass of `Store` in a file of its own, and a line in `trial.stores`. It brings:

- `cases`: by strike, the name of the case in its table and what is to be reached;
- `whole()`: the pod that leads, or, where none does (`led = False`), the one that is struck; as soon as any other could
  take its place. `lead(node)` has the member on a node be that one: strikes of nodes hit all stores at once;
- `client()`: image, program and environment of a pod that writes numbered things all the time and reads beside it:
  `python3 <program> <name> <file>` ends when the file is there, and its last line is one JSON object: `acknowledged` (a
  number), `lost` (which of them are not there), `writes` and `reads` (outages of half a second and more: when each
  began, by the machine's monotonic clock, and how many seconds it lasted), and, where a store has weaker writes too,
  `unconfirmed` (how many of those that no other member had confirmed are not there);
- a watcher: `python <watcher> <local cluster>` on this machine, until its standard input ends; ten times a second a
  line for each server: `member`, `pid`, `asked`, `answered`, `primary` (whether it takes writes), `following` (how many
  members confirm to it: with none, a thawed leader's belief in itself does not count);
- where "a primary that all others follow" is not what whole means: `redundant(samples, since)`.
"""
