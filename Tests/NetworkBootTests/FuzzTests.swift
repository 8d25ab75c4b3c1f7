// SPDX-License-Identifier: GPL-3.0-or-later
import BootSite
import HostSystem
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOPosix
import NetworkBootPolicy
import NetworkBootProtocol
import Synchronization
import TestSupport
import Testing

@testable import NetworkBoot

/// 20,000 wrong requests for each way in; `LIFEBOAT_FUZZ_PACKETS=1000000` for more. What would trap ends the test.
@Suite("Wrong requests of every kind", .serialized) struct FuzzTests {
  private static let size = 3000
  private let site: TestSite

  init() throws {
    site = try TestSite()
    try site.publish(
      1, [.init(name: "boot/demo.iso", bytes: TestSite.bytes(Self.size)), .init(name: "a", bytes: [1])],
      entries: ["uefi-http": "boot/demo.iso"])
  }

  private static let requests: [[UInt8]] = [
    "GET /boot/demo.iso HTTP/1.1\r\nHost: 10.66.0.2\r\nUser-Agent: UefiHttpBoot/1.0\r\n\r\n",
    "HEAD /boot/demo.iso HTTP/1.1\r\nHost: 10.66.0.2\r\n\r\nGET /a HTTP/1.1\r\nHost: 10.66.0.2\r\n\r\n",
    "GET /boot/demo.iso HTTP/1.1\r\nHost: x\r\nRange: bytes=10-2999\r\nIf-Range: \"x\"\r\n\r\n",
    "GET http://10.66.0.2/a?b=c HTTP/1.1\r\nHost: 10.66.0.2\r\nConnection: close\r\n\r\n",
    "GET /admission/demo/525400123456/4c4c4544-0042-3510-8054-b4c04f4d3732 HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    "GET /a HTTP/1.0\r\nContent-Length: 4\r\n\r\nbody", "GET /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n",
  ].map { Array($0.utf8) }

  private static let paths: [[UInt8]] =
    [
      "/boot/../../etc/passwd", "/boot/%2e%2e/%2e%2e/etc/passwd", "//boot//demo.iso", "/boot/demo.iso%00.txt", "/%",
      "/boot\\demo.iso", "http://10.66.0.2/boot/demo.iso", "/admission/demo/525400123456/-", "*", "",
    ].map { Array($0.utf8) } + [[0x2f, 0xc0, 0xae, 0xc0, 0xae, 0x2f, 0x61], [0x2f, 0x61, 0], [0x2f, 0xff, 0xfe]]

  private static let ranges = [
    "bytes=0-99", "bytes=-1", "bytes=2999-", "bytes=0-0,5-6", "bytes=99999999999999999999-", "bytes=5-2", "bytes=3000-",
    "bytes=-0", "bytes=--1", "bytes= 1-2", "lines=1-2",
  ]

  /// A request with one odd part, or one that was changed anywhere.
  private static func wrong(_ index: Int, _ mutator: inout Mutator) -> [UInt8] {
    func request(_ path: [UInt8], _ fields: [UInt8]) -> [UInt8] {
      Array("GET ".utf8) + path + Array(" HTTP/1.1\r\nHost: x\r\n".utf8) + fields + Array("\r\n\r\n".utf8)
    }
    let path = Array("/boot/demo.iso".utf8)
    switch index % 16 {
    case 0: return request(mutator.mutate(paths[mutator.below(paths.count)]), [])
    case 1: return request(path, mutator.mutate(Array("Range: \(ranges[mutator.below(ranges.count)])".utf8)))
    case 2:
      return request(path, Array("X: ".utf8) + [UInt8](repeating: 0x79, count: mutator.below(20_000)))
    case 3: return request([UInt8](repeating: 0x61, count: mutator.below(20_000)), [])
    case 4: return request(path, Array(String(repeating: "X: y\r\n", count: mutator.below(200)).utf8))
    case 5: return Array(requests[index / 16 % requests.count].prefix(mutator.below(120)))
    default: return mutator.mutate(requests[index / 16 % requests.count])
    }
  }

  private func desk(_ events: EventLog) async throws -> (sets: SetFollower, desk: MachineDesk) {
    let options = BootService.Options(site: site.path)
    let sets = try await SetFollower(Site(at: site.path), trusting: nil, events: events)
    return (sets, try MachineDesk(options, sets.current, events: events))
  }

  /// NIO's parser and the connection's handler as they stand behind a socket. Files are not opened (their threads do not
  /// run, so that all is done in this one): an object is 503 here.
  @Test func connections() async throws {
    let events = EventLog { _ in }
    let (sets, desk) = try await desk(events)
    let server = HTTPServer(
      sets: sets, desk: desk, files: NIOThreadPool(numberOfThreads: 1), events: events, limits: HTTPLimits())
    try Self.exchange(server)
  }

  private static func exchange(_ server: HTTPServer) throws {
    var mutator = Mutator(seed: 8)
    var seen: [Int: Int] = [:]
    var channel: EmbeddedChannel?
    for index in 0..<Mutator.count {
      let open = try channel ?? connect(server)
      let bytes = wrong(index, &mutator)
      // In one piece, or in two as the wire may cut it.
      let cut = mutator.below(2) == 0 ? bytes.count : mutator.below(bytes.count)
      for piece in [bytes[..<cut], bytes[cut...]] where !piece.isEmpty && open.isActive {
        _ = try? open.writeInbound(ByteBuffer(bytes: piece))
      }
      open.embeddedEventLoop.run()
      for status in try statuses(open) { seen[status, default: 0] += 1 }
      #expect(server.connections.count == (open.isActive ? 1 : 0))
      // A request that is not complete would take what comes next as its own.
      if open.isActive, mutator.below(4) == 0 { _ = try? open.finish(acceptAlreadyClosed: true) }
      channel = open.isActive ? open : nil
    }
    _ = try? channel?.finish(acceptAlreadyClosed: true)
    #expect(server.connections.count == 0)
    #expect(Set(seen.keys).isSubset(of: [100, 200, 304, 400, 404, 405, 416, 503]), "\(seen)")
    for status in [200, 400, 404, 405, 503] { #expect(seen[status] ?? 0 > 0, "\(status) in \(seen)") }
  }

  private static func connect(_ server: HTTPServer) throws -> EmbeddedChannel {
    let channel = EmbeddedChannel()
    try server.prepare(channel)
    try channel.connect(to: SocketAddress(ipAddress: "10.66.0.9", port: 1024)).wait()
    return channel
  }

  /// What was answered: no more than heads and the one line of an admission.
  private static func statuses(_ channel: EmbeddedChannel) throws -> [Int] {
    var text = ""
    while let part = try channel.readOutbound(as: IOData.self) {
      guard case .byteBuffer(let buffer) = part else {
        Issue.record("a file was sent")
        continue
      }
      text += String(buffer: buffer)
    }
    return text.split(separator: "\r\n").compactMap { line in
      guard line.contains("HTTP/1."), let start = line.firstRange(of: "HTTP/1.")?.lowerBound else { return nil }
      return line[start...].split(separator: " ").dropFirst().first.flatMap { Int($0) }
    }
  }

  /// What heads get: a name of the set, and bytes that it has, or a refusal.
  @Test func answers() async throws {
    let set = try await desk(EventLog { _ in }).sets.current
    var mutator = Mutator(seed: 9)
    var given = 0
    for index in 0..<Mutator.count {
      let path = index.isMultiple(of: 3) ? mutator.mutate(Self.paths[index / 3 % Self.paths.count]) : []
      let range = mutator.mutate(Array(Self.ranges[index % Self.ranges.count].utf8))
      var head = HTTPRequestHead(
        version: .http1_1, method: index.isMultiple(of: 7) ? .HEAD : .GET,
        uri: path.isEmpty ? "/boot/demo.iso" : String(decoding: path, as: UTF8.self))
      head.headers = ["Host": "x", "Range": String(decoding: range, as: UTF8.self)]
      let answer = HTTPAnswer.decide(head, in: set, authorities: ["10.66.0.2"]) { _ in nil }
      let length = answer.headers.first(name: "Content-Length").flatMap { Int($0) }
      guard let (object, bytes) = answer.body else {
        #expect([400, 404, 416].contains(answer.status.code) && length == 0, "\(head): \(answer)")
        continue
      }
      given += 1
      #expect(object.name == "boot/demo.iso" || object.name == "a")
      #expect(bytes.lowerBound >= 0 && bytes.upperBound <= Int(object.size.bytes) && bytes.count == length, "\(head)")
      #expect(answer.status == (answer.headers.contains(name: "Content-Range") ? .partialContent : .ok))
      #expect(head.method == .GET || bytes.count == Int(object.size.bytes))
    }
    #expect(given > Mutator.count / 10)
  }

  /// What administrators send is read as carefully: an order, or a refusal in JSON.
  @Test func orders() async throws {
    let desk = try await desk(EventLog { _ in }).desk
    let root = AdminPeer(user: 0, groups: [])
    let bodies = [
      #"{"machine": "52:54:00:12:34:56"}"#, #"{"machine": "4711", "image": "demo"}"#,
      #"{"machine": "4c4c4544-0042-3510-8054-b4c04f4d3732", "image": "demo"}"#,
    ].map { Array($0.utf8) }
    let words = ["/machines/approve", "/machines/assign", "/machines/forget", "/machines/deny", "/status", "/machines"]
      .map { Array($0.utf8) }
    var mutator = Mutator(seed: 10)
    var followed = 0
    for index in 0..<Mutator.count {
      let word = words[index % words.count]
      let path = index.isMultiple(of: 5) ? mutator.mutate(word) : word
      let answer = AdminAnswer.decide(
        index % words.count < 4 ? .POST : .GET, String(decoding: path, as: UTF8.self),
        mutator.mutate(bodies[index / words.count % bodies.count]), from: root, desk)
      #expect([200, 400, 404, 409].contains(answer.status.code), "\(answer)")
      #expect(answer.text.hasPrefix("{") && answer.text.hasSuffix("}\n"), "\(answer)")
      guard answer.status == .ok, index % words.count < 4 else { continue }
      followed += 1
      // What is kept grows by an administrator's word alone; here it is to stay small.
      if followed.isMultiple(of: 50) { desk.state.withLock { $0.register = MachineRegister() } }
    }
    #expect(followed > Mutator.count / 1000)
  }
}
