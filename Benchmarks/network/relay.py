#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wire that is longer than it is: takes TFTP on 127.0.0.1, and hands each packet on later, or not at all.

  relay.py PORT SERVER DELAY LOSS [SEED]    DELAY in milliseconds, there and back together; LOSS in packets of 100

Says "ready" when it listens. One client at a time; each transfer has ports of its own on both sides, as TFTP wants it.
It spins near the moment when a packet is due, and so needs a processor for itself.
"""
import collections, random, select, socket, sys, time

port, server, delay, loss = int(sys.argv[1]), sys.argv[2], float(sys.argv[3]) / 2000, float(sys.argv[4]) / 100
chance = random.Random(int(sys.argv[5]) if len(sys.argv) > 5 else 1)


def open_socket(address):
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    opened.setblocking(False)
    opened.bind(address)
    return opened


entry = open_socket(("127.0.0.1", port))
near, far = {}, {}  # the two sockets of each transfer, and whom each one speaks to
waiting = collections.deque()  # all wait the same time, so they leave in the order in which they came


def later(through, packet, to):
    if chance.random() >= loss:
        waiting.append((time.perf_counter() + delay, through, packet, to))


def receive(source):
    while True:
        try:
            packet, sender = source.recvfrom(65536)
        except (BlockingIOError, ConnectionRefusedError):
            return
        if source is entry:
            here, there = open_socket(("127.0.0.1", 0)), open_socket(("", 0))
            near[here], far[there] = [there, (server, 69)], [here, sender]
            later(there, packet, (server, 69))
        elif source in far:
            here, client = far[source]
            near[here][1] = sender
            later(here, packet, client)
        else:
            there, upstream = near[source]
            later(there, packet, upstream)


print("ready", flush=True)
while True:
    rest = waiting[0][0] - time.perf_counter() if waiting else 60
    for source in select.select([entry, *near, *far], [], [], max(0, rest - 0.0001))[0]:
        receive(source)
    while waiting and waiting[0][0] <= time.perf_counter():
        _, through, packet, to = waiting.popleft()
        try:
            through.sendto(packet, to)
        except OSError:
            pass
    # The ports of transfers long over.
    for table in (near, far):
        if len(table) > 4:
            del table[next(iter(table))]
