// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import Testing

@testable import BootSite

/// What an index may say.
struct SetIndexTests {
  static func index(_ change: (inout SetIndex) -> Void = { _ in }) -> SetIndex {
    let digest = Digest(of: "content")
    var index = SetIndex(
      number: 7, servers: ["http://192.0.2.10"],
      images: [
        .init(
          name: "tier1", title: "First “aid”",
          media: ["x64": .init(identifier: "0123456789abcdef", release: "bookworm", layers: ["layers/a.squashfs"])],
          entries: ["uefi-http": "boot/tier1.iso"])
      ],
      objects: [
        .init(name: "boot/tier1.iso", size: ByteCount(7), digest: digest, type: "application/vnd.efi-iso"),
        .init(name: "layers/a.squashfs", size: ByteCount(7), digest: digest, type: "application/octet-stream"),
      ])
    change(&index)
    return index
  }

  @Test func survivesWritingAndReading() throws {
    let index = Self.index()
    let bytes = try index.encoded()
    #expect(try SetIndex(decoding: bytes) == index)
    #expect(try SetIndex(decoding: bytes).encoded() == bytes)
  }

  /// Sets that were published before images had files of their own stay readable.
  @Test func readsAnOlderIndex() throws {
    let text = String(decoding: try Self.index().encoded(), as: UTF8.self)
    let older = text.replacing(#/ *"files" : \[[^\]]*\],?\n/#, with: "")
    #expect(older != text)
    #expect(try SetIndex(decoding: Array(older.utf8)) == Self.index())
  }

  static let bad: [@Sendable (inout SetIndex) -> Void] = [
    { $0.format = 2 }, { $0.format = 0 }, { $0.number = 0 }, { $0.objects.removeLast() },
    { $0.objects.append($0.objects[0]) }, { $0.images.append($0.images[0]) }, { $0.images[0].name = "a b" },
    { $0.images[0].name = "a/b" }, { $0.images[0].name = String(repeating: "a", count: 65) },
    { $0.objects[0].size = ByteCount(-1) },
  ]

  @Test(arguments: bad.indices) func refuses(_ number: Int) throws {
    let bytes = try Self.index(Self.bad[number]).encoded()
    #expect { _ = try SetIndex(decoding: bytes) } throws: { ($0 as? Site.Failure)?.code == "index-unreadable" }
  }

  @Test(arguments: [
    "", "/etc/passwd", "../x", "a/../b", "a/./b", "a//b", "a/", ".hidden", "a/.hidden", "a b", "a\nb", "a\0b", "ä",
    "a%2e",
    String(repeating: "a", count: 201),
  ])
  func refusesTheName(_ name: String) throws {
    #expect(!SetIndex.isObjectName(name))
    let bytes = try Self.index { $0.objects[0].name = name }.encoded()
    #expect(throws: Site.Failure.self) { try SetIndex(decoding: bytes) }
  }

  @Test(arguments: ["", "{", "[]", "{\"format\": 1}", "{\"format\": \"1\"}"]) func refusesOtherFiles(_ text: String) {
    #expect(throws: Site.Failure.self) { try SetIndex(decoding: Array(text.utf8)) }
  }

  @Test(arguments: [
    ("http://192.0.2.10", "http://192.0.2.10"), ("http://192.0.2.10/", "http://192.0.2.10"),
    ("http://192.0.2.10:8080/", "http://192.0.2.10:8080"), ("http://10.0.0.1/a/b//", "http://10.0.0.1/a/b"),
  ])
  func takesTheServer(given: String, becomes: String) throws { #expect(try ServerAddress.checked(given) == becomes) }

  @Test(arguments: [
    "192.0.2.10", "https://192.0.2.10", "http://", "http://boot.example.org", "http://192.0.2.999", "http://[::1]",
    "http://192.0.2.10:0", "http://192.0.2.10:70000", "http://192.0.2.10:x", "http://192.0.2.10/a b",
    "http://192.0.2.10\nserver http://192.0.2.66", "http://a:b@192.0.2.10", "http://192.0.2.10/$(reboot)",
  ])
  func refusesTheServer(_ text: String) {
    #expect { _ = try ServerAddress.checked(text) } throws: { ($0 as? Site.Failure)?.code == "bad-server" }
  }
}
