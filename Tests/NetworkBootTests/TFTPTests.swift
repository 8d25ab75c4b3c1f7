// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import NetworkBoot

/// atftp, tftp-hpa, curl, and sockets by hand, judge the TFTP server.
@Suite(.timeLimit(.minutes(20))) struct TFTPTests {
  private let site: TestSite
  private let file = TestSite.bytes(1_500_000)

  init() throws {
    site = try TestSite()
    try site.publish(
      1,
      [
        .init(name: "boot/shimx64.efi", bytes: file), .init(name: "even", bytes: TestSite.bytes(512 * 8)),
        .init(name: "empty", bytes: []),
      ])
  }

  /// Fetches with atftp.
  private func atftp(_ service: TestService, _ name: String, _ options: [String]) async throws -> [UInt8] {
    let folder = try TemporaryFolder()
    let target = folder.appending("got")
    let outcome = try await Tool.run(
      "atftp",
      options.flatMap { ["--option", $0] }
        + ["--get", "--remote-file", name, "--local-file", target.string, "127.0.0.1", "\(service.tftpPort)"])
    guard HostEnvironment.exists(target) else { return Array("\(outcome)".utf8) }
    return try FileTree.bytes(of: target)
  }

  @Test(
    .enabled(if: Tool.isInstalled("atftp"), "atftp is not installed"),
    arguments: [
      [], ["blksize 1428"], ["blksize 8192"], ["blksize 1428", "windowsize 16"], ["blksize 512", "windowsize 64"],
      ["tsize 0", "timeout 3"], ["blksize 1468", "windowsize 4", "tsize 0"],
    ])
  func atftpGetsWhatIsThere(_ options: [String]) async throws {
    try await TestService.with(site) { [file] service in
      try await #expect(atftp(service, "boot/shimx64.efi", options) == file)
      try await #expect(atftp(service, "even", options) == TestSite.bytes(512 * 8))
      try await #expect(atftp(service, "empty", options).isEmpty)
    }
  }

  @Test(.enabled(if: Tool.isInstalled("tftp"), "tftp-hpa is not installed"))
  func tftpHPAGetsWhatIsThereAndCanStoreNothing() async throws {
    try await TestService.with(site) { [file] service in
      let folder = try TemporaryFolder()
      let start = ["-m", "binary", "127.0.0.1", "\(service.tftpPort)", "-c"]
      _ = try await Tool.run("tftp", start + ["get", "boot/shimx64.efi"], in: folder.path)
      #expect(try FileTree.bytes(of: folder.appending("shimx64.efi")) == file)
      try folder.write("mine", "mine")
      let put = try await Tool.run("tftp", start + ["put", "mine"], in: folder.path)
      #expect((put.output + put.errors).contains("this server only gives"), "\(put)")
      let text = try await Tool.run(
        "tftp", ["-m", "ascii", "127.0.0.1", "\(service.tftpPort)", "-c", "get", "even"], in: folder.path)
      #expect((text.output + text.errors).contains("only mode octet"), "\(text)")
    }
  }

  @Test func curlGetsWhatIsThere() async throws {
    try await TestService.with(site) { [file] service in
      let outcome = try await service.curl(
        "--tftp-blksize", "1024", "tftp://127.0.0.1:\(service.tftpPort)//boot/shimx64.efi")
      #expect(outcome.bytes == file)
    }
  }

  @Test(.enabled(if: Tool.isInstalled("atftp"), "atftp is not installed"))
  func manyTransfersAtOnceAreAllWhole() async throws {
    try await TestService.with(site) { [file] service in
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for index in 0..<24 {
          let options = index % 2 == 0 ? ["blksize 1428"] : ["blksize 1024", "windowsize 8"]
          group.addTask { try await atftp(service, "boot/shimx64.efi", options) == file }
        }
        for try await isWhole in group { #expect(isWhole) }
      }
    }
  }

  private static let ask = """
    import socket, sys
    port = int(sys.argv[2])
    def ask(request, count=1):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(20)
        s.sendto(request, ("127.0.0.1", port))
        return s, s.recvfrom(70000)
    def read(name, *options):
        return b"\\0\\1" + name + b"\\0octet\\0" + b"".join(o + b"\\0" for o in options)

    """

  @Test(arguments: [
    "../etc/passwd", "/etc/passwd", "none", "boot", "boot/", "boot/./shimx64.efi", "boot%2fshimx64.efi", "current",
    "sets/1/index.json", "", "BOOT/SHIMX64.EFI",
  ])
  func otherNamesAreNotThere(_ name: String) async throws {
    try await TestService.with(site) { service in
      let outcome = try await service.python(
        Self.ask + "print(ask(read(sys.argv[3].encode()))[1][0])", [name])
      #expect(outcome.output == "b'\\x00\\x05\\x00\\x01file not found\\x00'\n", "\(outcome)")
    }
  }

  @Test func eachTransferHasItsOwnPortAndAProbeOfTheSizeEndsIt() async throws {
    try await TestService.with(site) { service in
      let outcome = try await service.python(
        Self.ask
          + """
          s, (first, server) = ask(read(b"boot/shimx64.efi", b"tsize", b"0", b"blksize", b"1468"))
          print(server[1] != port, first)
          s.sendto(b"\\0\\5\\0\\x08User aborted the transfer\\0", server)
          s, (first, server) = ask(read(b"\\\\boot\\\\shimx64.efi"))
          print(first[:4], len(first))
          """)
      #expect(
        outcome.lines == [
          "True b'\\x00\\x06blksize\\x001468\\x00tsize\\x001500000\\x00'", "b'\\x00\\x03\\x00\\x01' 516",
        ], "\(outcome)")
      _ = try await service.events.first { $0.message == "boot/shimx64.efi, size asked" }
    }
  }

  /// EDK2 asks for the size, ends that, and asks for the file; some ROMs do all of it from one port.
  @Test func theNextRequestMayComeFromTheSamePortAtOnce() async throws {
    try await TestService.with(site) { service in
      let outcome = try await service.python(
        Self.ask
          + """
          s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
          s.settimeout(20)
          for i in range(60):
              s.sendto(read(b"even", b"tsize", b"0"), ("127.0.0.1", port))
              answer, server = s.recvfrom(1000)
              assert answer == b"\\0\\6tsize\\0" + b"4096\\0", answer
              s.sendto(b"\\0\\5\\0\\x08\\0", server)
              s.sendto(read(b"even"), ("127.0.0.1", port))
              answer, server = s.recvfrom(1000)
              assert answer[:4] == b"\\0\\3\\0\\1", answer
              s.sendto(b"\\0\\5\\0\\0\\0", server)
          print("done")
          """)
      #expect(outcome.output == "done\n", "\(outcome)")
    }
  }

  /// Requests from many ports whose owners never answer, nonsense, and packets of no transfer.
  @Test func aFloodLeavesTheServerAlive() async throws {
    try await TestService.with(site) { service in
      let outcome = try await service.python(
        Self.ask
          + """
          import os, random
          random.seed(1)
          for i in range(400):
              s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
              s.sendto(read(b"boot/shimx64.efi"), ("127.0.0.1", port))
              s.sendto(random.randbytes(random.randrange(600)), ("127.0.0.1", port))
              s.sendto(b"\\0\\4\\0\\1", ("127.0.0.1", port))
              s.close()
          print("done")
          """)
      #expect(outcome.output == "done\n", "\(outcome)")
      try await #expect(service.curl(service.url("even")).bytes == TestSite.bytes(512 * 8))
      let told = service.events.all.count { $0.event == .tftp }
      #expect(told < 400, "a flood is told in few lines: \(told)")
    }
  }

  /// Packets that are passed over without a word are still too many.
  @Test func whatComesTooOftenIsCountedAndTold() async throws {
    try await TestService.with(site) { service in
      let outcome = try await service.python(
        Self.ask
          + """
          s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
          for i in range(5000): s.sendto(b"\\0\\4\\0\\1", ("127.0.0.1", port))
          print("done")
          """)
      #expect(outcome.output == "done\n", "\(outcome)")
      let told = try await service.events.first { $0.event == .tftp }
      #expect(told.weight == .refusal && told.message == "no answer: it asks too often, or all together do", "\(told)")
    }
  }
}
