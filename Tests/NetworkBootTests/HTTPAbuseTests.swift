// SPDX-License-Identifier: GPL-3.0-or-later
import SystemPackage
import TestSupport
import Testing

@testable import NetworkBoot

/// Clients that misbehave, by sockets of Python's.
@Suite(.timeLimit(.minutes(20))) struct HTTPAbuseTests {
  private let site: TestSite

  init() throws {
    site = try TestSite()
    try site.publish(
      1, [.init(name: "a", bytes: Array("first".utf8)), .init(name: "big", bytes: TestSite.bytes(8 << 20))])
  }

  private static let head = """
    import socket, sys
    def talk(data, end=True):
        s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 30)
        s.sendall(data)
        if end: s.shutdown(socket.SHUT_WR)
        answer = b""
        while True:
            try: piece = s.recv(65536)
            except ConnectionResetError: break
            if not piece: break
            answer += piece
        return answer

    """

  /// Runs lines of Python that may call `talk`.
  private func run(_ service: TestService, _ lines: String) async throws -> Tool.Outcome {
    try await service.python(Self.head + lines)
  }

  @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
    try await TestService.with(site) { service in
      let outcome = try await run(
        service,
        """
        one = b"GET /a HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"
        none = b"GET /none HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"
        last = b"GET /a HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n"
        answer = talk(one * 50 + none + last, end=False)
        print(answer.count(b"HTTP/1.1 200 OK"), answer.count(b"first"), answer.count(b"404 Not Found"), answer[-5:])
        """)
      #expect(outcome.output == "51 51 1 b'first'\n", "\(outcome)")
    }
  }

  /// What a client sends, and whether the server closes the connection by itself when it has refused: it does where it
  /// cannot know where the next request would begin.
  @Test(arguments: [
    ("b'GET /a HTTP/1.1\\r\\n\\r\\n'", false),
    ("b'GET /a HTTP/1.1\\r\\nHost: a\\r\\nHost: b\\r\\n\\r\\n'", false),
    ("b'GET /a HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 4\\r\\n\\r\\nbody'", true),
    (
      "b'GET /a HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 4\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\n'",
      true
    ),
    ("b'GET /a HTTP/1.1\\r\\nHost: a\\r\\nX: ' + b'y' * 20000 + b'\\r\\n\\r\\n'", true),
    ("b'GET /' + b'a' * 20000 + b' HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n'", true),
    ("b'GET /a HTTP/1.1\\r\\nHost: a\\r\\n' + b'X: y\\r\\n' * 500 + b'\\r\\n'", true),
    ("b'\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xfc\\x03\\x03'", true),
    ("b'GET\\r\\n\\r\\n'", true), ("b'\\0' * 4096", true),
  ])
  func badRequestsAreRefusedWithWordsAndTheServerGoesOn(_ request: String, _ isClosed: Bool) async throws {
    try await TestService.with(site) { service in
      // `talk` comes back when the server has closed; if only it does so, the client says nothing of an end.
      let outcome = try await run(
        service,
        """
        answer = talk(\(request), end=\(isClosed ? "False" : "True"))
        print(answer.split(b"\\r\\n")[0], b"\\r\\nConnection: close\\r\\n" in answer, answer.count(b"HTTP/1.1"), b"first" in answer)
        """)
      let closes = isClosed ? "True" : "False"
      #expect(outcome.output == "b'HTTP/1.1 400 Bad Request' \(closes) 1 False\n", "\(outcome)")
      try await #expect(service.curl(service.url("a")).output == "first")
    }
  }

  @Test func anOldClientIsServedAndClosed() async throws {
    try await TestService.with(site) { service in
      let outcome = try await run(
        service, "print(talk(b'GET /a HTTP/1.0\\r\\n\\r\\n', end=False).split(b'\\r\\n')[-1])")
      #expect(outcome.output == "b'first'\n", "\(outcome)")
    }
  }

  @Test func whoSaysThatHeIsDoneIsStillAnsweredAndThenClosed() async throws {
    try await TestService.with(site) { service in
      let outcome = try await run(
        service,
        """
        print(len(talk(b"GET /big HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n").split(b"\\r\\n\\r\\n", 1)[1]))
        print(talk(b""), b"first" in talk(b"GET /a HTTP/1.1\\r\\nHost: x"))
        """)
      #expect(outcome.lines == ["8388608", "b'' False"], "\(outcome)")
    }
  }

  /// As UEFI firmware ends: a reset in the middle.
  @Test func aResetInTheMiddleIsNoTrouble() async throws {
    try await TestService.with(site) { service in
      let outcome = try await run(
        service,
        """
        import struct
        for _ in range(50):
            s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 30)
            s.sendall(b"GET /big HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
            s.recv(1000)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
        print("done")
        """)
      #expect(outcome.output == "done\n", "\(outcome)")
      _ = try await service.events.first { $0.message.contains("the client left after") }
      try await #expect(service.curl(service.url("a")).output == "first")
      #expect(!service.events.all.contains { $0.weight == .trouble })
    }
  }

  @Test func oneAddressHasSoManyConnectionsAndNoMore() async throws {
    try await TestService.with(site) { service in
      let outcome = try await run(
        service,
        """
        kept, closed = [], 0
        for _ in range(140):
            s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 30)
            s.sendall(b"GET /a HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
            try: answer = s.recv(1000)
            except ConnectionResetError: answer = b""
            if answer: kept.append(s)
            else: closed += 1
        print(len(kept), closed)
        """)
      #expect(outcome.output == "128 12\n", "\(outcome)")
      #expect(service.events.all.contains { $0.message == "it has too many connections" })
      try await #expect(service.curl(service.url("a")).output == "first", "those that ended are counted no more")
    }
  }

  @Test func whoNeverAsksIsNotWaitedFor() async throws {
    try await TestService.with(site, { $0.httpLimits.requestPatience = .milliseconds(100) }) { service in
      let outcome = try await run(
        service,
        """
        print(talk(b"", end=False), talk(b"GET /a HTTP/1.1\\r\\nHost: x\\r\\nSlow: ", end=False))
        print(talk(b"GET /a HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n", end=False).endswith(b"first"))
        """)
      #expect(outcome.lines == ["b'' b''", "True"], "\(outcome)")
    }
  }

  @Test func whoTakesNothingIsGivenUp() async throws {
    try await TestService.with(site, { $0.httpLimits.patience = .milliseconds(200) }) { service in
      let outcome = try await service.python(
        """
        import socket, sys
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", int(sys.argv[1])))
        s.sendall(b"GET /big HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
        s.setblocking(True)
        import select
        poll = select.poll()
        poll.register(s, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
        print(len(poll.poll(60000)))
        """)
      #expect(outcome.output == "1\n", "\(outcome)")
      let event = try await service.events.first { $0.message.contains("next to nothing taken for") }
      #expect(event.name == "big" && event.bytes ?? .max < 8 << 20)
      try await #expect(service.curl(service.url("a")).output == "first")
    }
  }
}
