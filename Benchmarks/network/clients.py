#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many starting computers in one process: each asks for an offer, and fetches what a start fetches.

  clients.py SERVER FIRST COUNT FOLDER http START LAYER...   DISCOVER, then HEAD and GET of START (boot/IMAGE.iso) on one
                                                             connection, which is reset, then the question whether it may
                                                             go on, and each LAYER, on a connection of its own each
  clients.py SERVER FIRST COUNT FOLDER tftp NAME...          DISCOVER, then of each NAME the size, and the file in blocks of
                                                             1428 bytes, one at a time

FIRST is the first of COUNT addresses that this computer has, one for each client; what comes is compared with the files
below FOLDER. The answer is one line of JSON: how many were served, the times in milliseconds from a DISCOVER to its OFFER,
from an ACK to the next DATA, from HEAD and from the question to the status (median, 99 of 100, the longest; by the kernel's
clock of arrival), how often something had to be asked again, and how far the slowest client was when the first one had everything (1: all at the same time).
Exit status 1 if a client was not served.
"""
import heapq, ipaddress, json, os, select, socket, struct, sys, time

SO_TIMESTAMPNS = 35  # asm-generic/socket.h
PATIENCE = [4, 8, 16, 32]  # RFC 2131, section 4.1, which firmware keeps to

server, first, count, folder, way, *names = sys.argv[1:]
count = int(count)
files = {name: memoryview(open(os.path.join(folder, name), "rb").read()) for name in names}
total = sum(len(content) for content in files.values())
buffer = memoryview(bytearray(1 << 18))
times = {"offer": [], "block": [], "head": [], "admission": []}
again = {"offer": 0, "block": 0}
progress = [0] * count
slowest_share = None


def arrival(ancillary):
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack("qq", data)
            return seconds * 1_000_000_000 + nanoseconds
    return time.time_ns()


watched = {}  # what each open socket is waited for


def close(connection):
    watched.pop(connection.fileno(), None)
    connection.close()


class Failed(Exception):
    pass


def expect(condition, words):
    if not condition:
        raise Failed(words)


class Cards:
    """The one socket on port 68 that all network cards share; broadcasts come to all of them."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for level, option, value in [
            (socket.SOL_SOCKET, socket.SO_BROADCAST, 1), (socket.SOL_SOCKET, SO_TIMESTAMPNS, 1),
            (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1), (socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20),
            (socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0\0"),
        ]:
            self.socket.setsockopt(level, option, value)
        self.socket.bind(("", 68))
        self.socket.setblocking(False)
        self.sent = {}
        self.offers = {}

    def discover(self, card):
        vendor, architecture = ("HTTPClient:Arch:00016:UNDI:003000", 16) if way == "http" else ("PXEClient:Arch:00006:UNDI:003016", 6)
        option = lambda code, value: bytes([code, len(value)]) + value
        packet = struct.pack("!BBBBIHH16x6s202xI", 1, 1, 6, 0, int.from_bytes(card[2:], "big"), 0, 0x8000, card, 0x63825363)
        packet += option(53, b"\1") + option(55, bytes([1, 3, 6, 43, 54, 60, 66, 67])) + option(60, vendor.encode())
        packet += option(93, struct.pack("!H", architecture)) + option(94, bytes([1, 3, 0])) + option(97, bytes(11) + card) + b"\xff"
        self.sent[card] = time.time_ns()
        self.socket.sendto(packet, ("255.255.255.255", 67))

    def receive(self):
        """Takes all offers that are there; gives the cards that have one now."""
        found = []
        while True:
            try:
                data, ancillary, _, _ = self.socket.recvmsg(4096, 64)
            except BlockingIOError:
                return found
            card, options, place = data[28:34], {}, 240
            while place + 1 < len(data) and data[place] != 255:
                options[data[place]] = data[place + 2 : place + 2 + data[place + 1]]
                place += 2 + data[place + 1] if data[place] else 1
            ours = options.get(54) == socket.inet_aton(server)
            if ours and card in self.sent and card not in self.offers:
                times["offer"].append(arrival(ancillary) - self.sent[card])
                self.offers[card] = options.get(67, b"").rstrip(b"\0").decode() or data[108:236].split(b"\0")[0].decode()
                found.append(card)


def note(index, bytes_more):
    progress[index] += bytes_more


def receive_body(index, connection, expected, begun):
    place = len(begun)
    expect(begun == expected[:place], "other bytes")
    note(index, place)
    while place < len(expected):
        yield connection, select.EPOLLIN, 120
        got = connection.recv_into(buffer)
        expect(got, "the connection ended")
        expect(buffer[:got] == expected[place : place + got], "other bytes")
        place += got
        note(index, got)


def request(connection, method, name, port, size, kind=None):
    begin = time.time_ns()
    connection.send(f"{method} /{name} HTTP/1.1\r\nHost: {server}:{port}\r\nUser-Agent: UefiHttpBoot/1.0\r\n\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        yield connection, select.EPOLLIN, 120
        got, ancillary, _, _ = connection.recvmsg_into([buffer], 64)
        expect(got, "the connection ended")
        if kind and not answer:
            times[kind].append(arrival(ancillary) - begin)
        answer += bytes(buffer[:got])
    head, rest = answer.split(b"\r\n\r\n", 1)
    expect(head.startswith(b"HTTP/1.1 200 "), head[:40])
    expect(b"\r\ncontent-length: %d" % size in head.lower(), "another length")
    return rest


def connect(address, port):
    connection = socket.socket()
    connection.setblocking(False)
    # As much as a starting computer has room for; else they all share this one's memory for TCP, and starve.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 128 << 10)
    connection.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    connection.bind((address, 0))
    connection.connect_ex((server, port))
    return connection


def ask_to_go_on(index, address, port):
    connection = connect(address, port)
    yield connection, select.EPOLLOUT, 120
    image = os.path.basename(names[0]).removesuffix(".iso")
    question = f"admission/{image}/5254{index + 1:08x}/-"
    answer = yield from request(connection, "GET", question, port, 3, "admission")
    while len(answer) < 3:
        yield connection, select.EPOLLIN, 120
        got = connection.recv(16)
        expect(got, "the connection ended")
        answer += got
    expect(answer == b"go\n", answer)
    close(connection)


def http(index, address, offer):
    port = int(offer.split("/")[2].partition(":")[2] or 80)
    expect(offer.endswith("/" + names[0]), f"offered {offer}")
    for name in names:
        size = len(files[name])
        connection = connect(address, port)
        yield connection, select.EPOLLOUT, 120
        # Firmware asks for the size first, and ends with a reset.
        if name == names[0]:
            yield from request(connection, "HEAD", name, port, size, "head")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        rest = yield from request(connection, "GET", name, port, size)
        yield from receive_body(index, connection, files[name], rest)
        close(connection)
        if name == names[0]:
            yield from ask_to_go_on(index, address, port)


def ask(transfer, packet, to, is_awaited):
    """Sends until what is waited for comes; gives it, with where it came from and when."""
    for _ in range(8):
        begin = time.time_ns()
        transfer.sendto(packet, to)
        while (yield transfer, select.EPOLLIN, 3):
            data, ancillary, _, source = transfer.recvmsg(2048, 64)
            if is_awaited(data):
                return data, source, arrival(ancillary) - begin
        again["block"] += 1
    raise Failed("no answer by TFTP")


def tftp(index, address, offer):
    expect(offer == names[0], f"offered {offer}")
    for name in names:
        content = files[name]
        read = b"\0\1" + name.encode() + b"\0octet\0tsize\0000\0blksize\0001428\0"
        for is_probe in (True, False):
            transfer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            transfer.setblocking(False)
            transfer.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            transfer.bind((address, 0))
            data, source, _ = yield from ask(transfer, read, (server, 69), lambda data: data[:2] in (b"\0\6", b"\0\5"))
            expect(b"tsize\0%d\0" % len(content) in data, data)
            if is_probe:
                transfer.sendto(b"\0\5\0\x08User aborted the transfer\0", source)
                close(transfer)
        for block in range(1, len(content) // 1428 + 2):
            packet = b"\0\4" + struct.pack("!H", block - 1 & 0xFFFF)
            head = b"\0\3" + struct.pack("!H", block & 0xFFFF)
            data, _, took = yield from ask(transfer, packet, source, lambda data: data[:4] == head)
            times["block"].append(took)
            piece = content[(block - 1) * 1428 : block * 1428]
            expect(data[4:] == piece, f"other bytes in block {block}")
            note(index, len(piece))
        transfer.sendto(b"\0\4" + struct.pack("!H", block & 0xFFFF), source)
        close(transfer)


def computer(index, cards):
    card = b"\x52\x54" + struct.pack("!I", index + 1)
    for attempt, patience in enumerate(PATIENCE):
        again["offer"] += attempt > 0
        cards.discover(card)
        if (yield card, None, patience):
            break
    expect(card in cards.offers, "no offer")
    address = str(ipaddress.IPv4Address(first) + index)
    yield from (http if way == "http" else tftp)(index, address, cards.offers[card])


class Play:
    """Runs the computers: each says what it waits for, a socket or its card's offer, and for how long."""

    def __init__(self):
        self.cards, self.epoll = Cards(), select.epoll()
        self.epoll.register(self.cards.socket, select.EPOLLIN)
        self.computers = [computer(index, self.cards) for index in range(count)]
        self.waiting, self.place, self.deadlines, self.failures, self.done = {}, {}, [], [], 0

    def run(self):
        for index in range(count):
            self.resume(index, None)
        while self.done < count:
            for number, _ in self.epoll.poll(max(0, min(1, self.deadlines[0][0] - time.monotonic()))):
                if number == self.cards.socket.fileno():
                    for card in self.cards.receive():
                        self.wake(card)
                else:
                    self.wake(number)
            while self.deadlines and self.deadlines[0][0] <= time.monotonic():
                deadline, index, key = heapq.heappop(self.deadlines)
                if self.waiting.get(key) == (index, deadline):
                    del self.waiting[key]
                    self.resume(index, False)

    def wake(self, key):
        if key in self.waiting:
            self.resume(self.waiting.pop(key)[0], True)

    def resume(self, index, value):
        global slowest_share
        try:
            on, event, patience = self.computers[index].send(value)
        except (StopIteration, Failed, OSError) as end:
            self.done += 1
            watched.pop(self.place.get(index), None)
            if not isinstance(end, StopIteration):
                self.failures.append(f"client {index}, {progress[index]} of {total} bytes: {end!r}")
            elif slowest_share is None:
                slowest_share = round(min(progress) / total, 3)
            return
        key = on if event is None else on.fileno()
        if event is not None and watched.get(key) != event:
            (self.epoll.modify if key in watched else self.epoll.register)(key, event)
            watched[key] = event
            self.place[index] = key
        deadline = time.monotonic() + patience
        self.waiting[key] = (index, deadline)
        heapq.heappush(self.deadlines, (deadline, index, key))


def summary(nanoseconds):
    ordered = sorted(nanoseconds)
    if not ordered:
        return None
    at = lambda share: round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1e6, 3)
    return {"median": at(0.5), "p99": at(0.99), "longest": round(ordered[-1] / 1e6, 3)}


def report(failures, seconds):
    print(json.dumps({
        "served": count - len(failures), "failures": failures[:5], "seconds": round(seconds, 2), "bytes": sum(progress),
        "offer": summary(times["offer"]), "block": summary(times["block"]), "head": summary(times["head"]),
        "admission": summary(times["admission"]), "askedAgain": again,
        "slowestWhenFirstWasDone": slowest_share,
    }))
    return 1 if failures else 0


play = Play()
begin = time.monotonic()
play.run()
sys.exit(report(play.failures, time.monotonic() - begin))
