// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import NetworkBoot

/// curl, and sockets by hand, judge the HTTP server.
@Suite(.timeLimit(.minutes(20))) struct HTTPTests {
  private let site: TestSite
  private let disk = TestSite.bytes(3_000_017)

  init() throws {
    site = try TestSite()
    try site.publish(
      1,
      [
        .init(name: "boot/demo.iso", bytes: disk, type: "application/vnd.efi-iso"),
        .init(name: "grub/grub.cfg", bytes: Array("menuentry\n".utf8), type: "text/plain"),
        .init(name: "empty", bytes: []),
      ])
  }

  @Test func theWholeFileComesAndItsSizeBefore() async throws {
    try await TestService.with(site) { [disk] service in
      let get = try await service.curl(service.url("boot/demo.iso"))
      #expect(get.bytes == disk)
      let head = try await service.curl("--head", service.url("boot/demo.iso"))
      #expect(head.output.hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(head.output.contains("\r\nContent-Length: 3000017\r\n"), "\(head)")
      #expect(head.output.contains("\r\nContent-Type: application/vnd.efi-iso\r\n"))
      #expect(head.output.contains("\r\nAccept-Ranges: bytes\r\n"))
      #expect(!head.output.contains("Transfer-Encoding"))
      let empty = try await service.curl("--include", service.url("empty"))
      #expect(empty.output.contains("\r\nContent-Length: 0\r\n") && empty.output.hasSuffix("\r\n\r\n"))
      _ = try await service.events.first { $0.bytes == disk.count && $0.name == "boot/demo.iso" }
    }
  }

  /// As UEFI firmware does: size and file over one connection.
  @Test func oneConnectionServesHeadAndGet() async throws {
    try await TestService.with(site) { service in
      let outcome = try await service.curl(
        "--head", "--write-out", "%{num_connects} ", "--output", "/dev/null", service.url("boot/demo.iso"), "--next",
        "--silent", "--write-out", "%{num_connects} %{http_code} %{size_download}", "--output", "/dev/null",
        service.url("boot/demo.iso"))
      #expect(outcome.output == "1 0 200 3000017", "\(outcome)")
    }
  }

  @Test(arguments: [("0-0", 0..<1), ("1000000-1999999", 1_000_000..<2_000_000), ("-17", 3_000_000..<3_000_017)])
  func aRangeIsExactlyThat(_ range: String, _ expected: Range<Int>) async throws {
    try await TestService.with(site) { [disk] service in
      let outcome = try await service.curl(
        "--range", range, "--write-out", "%{stderr}%{http_code} %header{content-range}", service.url("boot/demo.iso"))
      #expect(outcome.bytes == Array(disk[expected]))
      #expect(outcome.errors.hasPrefix("206"), "\(outcome.errors)")
    }
  }

  @Test func aRangeBeyondTheEndAndAnOldOneAreTold() async throws {
    try await TestService.with(site) { service in
      let beyond = try await service.curl("--include", "--range", "3000017-", service.url("boot/demo.iso"))
      #expect(beyond.output.hasPrefix("HTTP/1.1 416") && beyond.output.contains("Content-Range: bytes */3000017\r\n"))
      let old = try await service.curl(
        "--range", "0-1", "--header", "If-Range: \"other\"", "--write-out", "%{stderr}%{http_code}",
        service.url("boot/demo.iso"))
      #expect(old.errors == "200" && old.bytes.count == 3_000_017)
      let tag = "\"\(Digest(of: "menuentry\n"))\""
      let same = try await service.curl(
        "--header", "If-None-Match: \(tag)", "--write-out", "%{http_code}", service.url("grub/grub.cfg"))
      #expect(same.output == "304")
    }
  }

  @Test(arguments: [
    "/", "//", "/boot", "/boot/", "/boot/demo.iso/", "/../boot/demo.iso", "/boot/../grub/grub.cfg", "/./boot/demo.iso",
    "/boot%2fdemo.iso", "/%2e%2e/current", "/current", "/sets/1/index.json", "/index.json", "/objects",
    "/etc/passwd", "/boot\\demo.iso", "/boot/demo.iso%00", "/BOOT/demo.iso", "/boot/demo.iso;x", "/b\u{c3}\u{a9}",
    "/\u{1}", "*", "http://example.org/boot/demo.iso", "boot/demo.iso", "/boot/demo.iso.", "/~root", "/.",
  ])
  func nothingElseCanBeHad(_ target: String) async throws {
    try await TestService.with(site) { service in
      let outcome = try await service.curl(
        "--path-as-is", "--request-target", target, "--output", "/dev/null", "--write-out",
        "%{http_code} %{size_download}",
        service.url(""))
      #expect(outcome.output == "404 0" || outcome.output == "400 0", "\(target): \(outcome)")
      #expect(!service.events.all.contains { $0.weight == .news })
    }
  }

  @Test func doubledSlashesAreOneNameAndNeverARedirect() async throws {
    try await TestService.with(site) { service in
      let outcome = try await service.curl(
        "--path-as-is", "--write-out", "%{http_code}", service.url("/grub//grub.cfg"))
      #expect(outcome.output == "menuentry\n200")
    }
  }

  @Test(arguments: ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "PATCH"])
  func onlyGetAndHead(_ method: String) async throws {
    try await TestService.with(site) { service in
      let outcome = try await service.curl("--include", "--request", method, service.url("grub/grub.cfg"))
      #expect(outcome.output.hasPrefix("HTTP/1.1 405"), "\(outcome)")
      #expect(outcome.output.contains("Allow: GET, HEAD\r\n"))
    }
  }

  @Test func manyClientsAtOnceAllGetAll() async throws {
    try await TestService.with(site) { [disk] service in
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for _ in 0..<64 { group.addTask { try await service.curl(service.url("boot/demo.iso")).bytes == disk } }
        for try await isWhole in group { #expect(isWhole) }
      }
    }
  }
}
