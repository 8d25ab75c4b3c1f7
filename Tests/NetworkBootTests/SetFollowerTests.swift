// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import BootSite
import HostSystem
import NIOCore
import Signing
import SystemPackage
import TestSupport
import Testing

@testable import NetworkBoot

/// The site changes, breaks, goes and comes back while it is served.
@Suite(.timeLimit(.minutes(20))) struct SetFollowerTests {
  private let old = TestSite.bytes(24 << 20, seed: 1)
  private let new = TestSite.bytes(1000, seed: 2)

  private func site() throws -> TestSite {
    let site = try TestSite()
    try site.publish(1, [.init(name: "boot/demo.iso", bytes: old)], entries: ["uefi-http": "boot/demo.iso"])
    return site
  }

  /// Begins to read, waits for a line on standard input, reads the rest.
  private static let slowClient = """
    import socket, sys, hashlib, os
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60)
    s.sendall(b"GET /boot/demo.iso HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
    first = s.recv(4096)
    open(sys.argv[3], "w").close()
    while not os.path.exists(sys.argv[4]): pass
    rest = b""
    while True:
        piece = s.recv(1 << 20)
        if not piece: break
        rest += piece
    print(hashlib.sha256((first + rest).split(b"\\r\\n\\r\\n", 1)[1]).hexdigest())
    """

  @Test func aSwitchServesTheNewSetAndEndsNoTransfer() async throws {
    let site = try site()
    try await TestService.with(site) { [old, new] service in
      let folder = try TemporaryFolder()
      async let slow = service.python(
        Self.slowClient, [folder.appending("began").string, folder.appending("go").string])
      while !HostEnvironment.exists(folder.appending("began")) { await Task.yield() }
      try site.publish(2, [.init(name: "boot/demo.iso", bytes: new)], entries: ["uefi-http": "boot/demo.iso"])
      _ = try await service.events.first { $0.event == .set }
      FileTree.remove(site.file(old))
      try await #expect(service.curl(service.url("boot/demo.iso")).bytes == new)
      try folder.write("go", "")
      try await #expect(slow.output == "\(Digest(of: old))\n")
    }
  }

  /// By TFTP too: block after block, with the switch and the end of the old file in between.
  @Test func aSwitchEndsNoTransferByTFTP() async throws {
    let site = try TestSite()
    let old = TestSite.bytes(300_000, seed: 1)
    try site.publish(1, [.init(name: "boot/loader", bytes: old)])
    let program = """
      import socket, sys, hashlib, os
      s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
      s.settimeout(60)
      s.sendto(b"\\0\\1boot/loader\\0octet\\0", ("127.0.0.1", int(sys.argv[2])))
      data, number = b"", 0
      while True:
          packet, source = s.recvfrom(2000)
          if packet[:2] != b"\\0\\3" or int.from_bytes(packet[2:4], "big") != number + 1: continue
          data, number = data + packet[4:], number + 1
          if number == 3:
              open(sys.argv[3], "w").close()
              while not os.path.exists(sys.argv[4]): pass
          s.sendto(b"\\0\\4" + packet[2:4], source)
          if len(packet) < 516: break
      print(hashlib.sha256(data).hexdigest())
      """
    try await TestService.with(site) { [new] service in
      let folder = try TemporaryFolder()
      async let slow = service.python(program, [folder.appending("began").string, folder.appending("go").string])
      while !HostEnvironment.exists(folder.appending("began")) { await Task.yield() }
      try site.publish(2, [.init(name: "boot/loader", bytes: new)])
      _ = try await service.events.first { $0.event == .set }
      FileTree.remove(site.file(old))
      try await #expect(service.curl("tftp://127.0.0.1:\(service.tftpPort)/boot/loader").bytes == new)
      try folder.write("go", "")
      try await #expect(slow.output == "\(Digest(of: old))\n")
    }
  }

  /// The client has taken a part of the file, and sees the connection break instead of the rest.
  @Test func aFileThatIsCutInTheMiddleOfATransferBreaksIt() async throws {
    let site = try site()
    try await TestService.with(site) { [old] service in
      let folder = try TemporaryFolder()
      let program = """
        import socket, sys, os
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        s.connect(("127.0.0.1", int(sys.argv[1])))
        s.settimeout(60)
        s.sendall(b"GET /boot/demo.iso HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
        got = s.recv(4096)
        open(sys.argv[3], "w").close()
        while not os.path.exists(sys.argv[4]): pass
        end = "end"
        while True:
            try: piece = s.recv(1 << 20)
            except ConnectionResetError:
                end = "reset"
                break
            if not piece: break
            got += piece
        body = got.split(b"\\r\\n\\r\\n", 1)[1]
        print(end, len(body) < int(sys.argv[5]))
        """
      let words = [folder.appending("began").string, folder.appending("go").string, "\(old.count)"]
      async let slow = service.python(program, words)
      while !HostEnvironment.exists(folder.appending("began")) { await Task.yield() }
      try await ExternalCommand("truncate", ["--size", "100000", site.file(old).string]).run()
      let start = ContinuousClock.now
      let event = try await service.events.first { $0.event == .http && $0.name == "boot/demo.iso" }
      #expect(event.weight == .trouble && event.message.contains("was cut short while it was sent"), "\(event)")
      #expect(ContinuousClock.now - start < .seconds(30), "at once, and not when the client is given up")
      try folder.write("go", "")
      try await #expect(slow.output == "reset True\n")
      #expect(!service.events.all.contains { $0.message.contains("the client left") })
    }
  }

  /// sendfile(2) tells of the file and of the connection in the same place.
  @Test func whatAFailedWriteSpeaksOf() {
    #expect(FileSending.fileTrouble(IOError(errnoCode: 5, reason: "sendfile")) == .ioError)
    #expect(FileSending.fileTrouble(IOError(errnoCode: 116, reason: "sendfile")) == .staleNFSFileHandle)
    for error in [IOError(errnoCode: 32, reason: "sendfile"), IOError(errnoCode: 104, reason: "read")] {
      #expect(FileSending.fileTrouble(error) == nil)
    }
    #expect(FileSending.fileTrouble(ChannelError.ioOnClosedChannel) == nil)
  }

  @Test func aDiskThatGoesIsToldOnceAndComesBack() async throws {
    let site = try site()
    try await TestService.with(site) { [new] service in
      let away = FilePath(site.path.string + ".away")
      try AtomicFile.move(site.path, to: away)
      defer { FileTree.remove(away) }
      _ = try await service.events.first { $0.event == .site && $0.weight == .trouble }
      let answer = try await service.curl("--write-out", "%{http_code}", service.url("boot/demo.iso"))
      #expect(answer.output == "503")
      try AtomicFile.move(away, to: site.path)
      _ = try await service.events.first { $0.message.hasSuffix("is back") }
      #expect(service.events.all.count { $0.event == .site } == 2)
      try site.publish(2, [.init(name: "boot/demo.iso", bytes: new)])
      _ = try await service.events.first { $0.event == .set }
      try await #expect(service.curl(service.url("boot/demo.iso")).bytes == new)
    }
  }

  @Test func aSetThatIsNotWholeIsNotServed() async throws {
    let site = try site()
    try await TestService.with(site) { [old, new] service in
      try site.publish(2, [.init(name: "boot/demo.iso", bytes: new)])
      try site.makeCurrent(1)
      try AtomicFile.write(Array("short".utf8), to: site.file(new))
      try site.makeCurrent(2)
      let event = try await service.events.first { $0.event == .site }
      #expect(event.message.contains("set 2 of \(site.path) has 1 object"), "\(event)")
      try await #expect(service.curl("--range", "0-9", service.url("boot/demo.iso")).bytes == Array(old.prefix(10)))
    }
  }

  @Test func aFileThatIsCutWhileItIsServedIsNotGivenOut() async throws {
    let site = try site()
    try await TestService.with(site) { [old] service in
      try AtomicFile.write(Array("short".utf8), to: site.file(old))
      let answer = try await service.curl("--write-out", "%{http_code}", service.url("boot/demo.iso"))
      #expect(answer.output == "503")
      #expect(service.events.all.contains { $0.weight == .trouble && $0.name == "boot/demo.iso" })
    }
  }

  @Test func anUnsignedSetIsRefusedWhereAKeyIsNamed() async throws {
    let site = try site()
    let folder = try TemporaryFolder()
    _ = try await SiteKey.create(at: folder.appending("key"), comment: "test")
    var options = BootService.Options(site: site.path)
    options.key = folder.appending("key.pub")
    let service = BootService(options)
    await #expect(throws: Site.Failure.self) { try await service.plan() }
    let index = site.folder.appending("sets/1/index.json")
    let signature = try await SiteKey.sign(try FileTree.bytes(of: index), with: folder.appending("key"))
    try site.folder.write("sets/1/index.json.sig", signature)
    try await #expect(service.plan().signedBy?.hasPrefix("SHA256:") == true)
    try site.folder.write("sets/1/index.json", try FileTree.bytes(of: index) + [0x20])
    await #expect(throws: Site.Failure.self) { try await service.plan() }
  }

  @Test func badSitesAreRefusedWithWords() async throws {
    let empty = try TemporaryFolder()
    let nothing = try await Repository.lifeboat(["serve", "--site", empty.path.string, "--dry-run"])
    #expect(nothing.status == 66 && nothing.errors.contains("nothing is published in"), "\(nothing)")
    let site = try site()
    try site.folder.write("sets/1/index.json", "{\"format\": 9}")
    let newer = try await Repository.lifeboat(["serve", "--site", site.path.string, "--dry-run"])
    #expect(newer.status == 65 && newer.errors.contains("it has format 9"), "\(newer)")
  }

  @Test func anImageHasToBeThere() async throws {
    let site = try site()
    var options = BootService.Options(site: site.path)
    options.image = "other"
    let service = BootService(options)
    await #expect(throws: NetworkBootFailure.noSuchImage(name: "other", names: ["demo"])) { try await service.plan() }
  }
}
