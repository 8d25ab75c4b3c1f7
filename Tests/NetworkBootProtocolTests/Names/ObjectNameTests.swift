// SPDX-License-Identifier: GPL-3.0-or-later
import NetworkBootProtocol
import Testing

@Suite("Names of the closed set") struct ObjectNameTests {
  private func refusal(_ body: () throws(NetworkBootProtocolFailure) -> Void) -> ObjectName.Refusal? {
    do throws(NetworkBootProtocolFailure) {
      try body()
      return nil
    } catch {
      if case .name(let refusal) = error { return refusal }
      return nil
    }
  }

  @Test("the spellings that firmware uses are one name") func spellings() throws {
    let spellings: [(String, String)] = [
      ("grub/grub.cfg", "grub/grub.cfg"), ("/grub/grub.cfg", "grub/grub.cfg"), ("//grubx64.efi", "grubx64.efi"),
      ("/grub//x86_64-efi///command.lst", "grub/x86_64-efi/command.lst"), ("\\boot\\grubx64.efi", "boot/grubx64.efi"),
      ("/\\grubx64.efi", "grubx64.efi"), ("BootX64.EFI", "BootX64.EFI"),
      ("libc6_2.36-9+deb12u9~1.x", "libc6_2.36-9+deb12u9~1.x"),
      ("..a", "..a"), ("a..b/.disk", "a..b/.disk"),
    ]
    for (spelling, name) in spellings { #expect(try ObjectName(tftp: text(spelling)).text == name) }
    #expect(
      try ObjectName(tftp: text("shimx64.efi") + [255]).text == "shimx64.efi", "the end of the options, sent back")
    #expect(try ObjectName("/a//b").text == "a/b")
    #expect(try ObjectName("a") < ObjectName("b"))
  }

  @Test("everything else is refused, each with its reason") func refused() {
    let cases: [([UInt8], ObjectName.Refusal)] = [
      ([], .empty), (text("/"), .empty), (text("//\\"), .empty), ([255], .empty), (text("grub/"), .folder),
      (text("grub\\"), .folder), (text(".."), .parentFolder), (text("../etc/passwd"), .parentFolder),
      (text("/a/../b"), .parentFolder), (text("a\\..\\b"), .parentFolder), (text("a/..."), .parentFolder),
      (text("./a"), .currentFolder), (text("a/./b"), .currentFolder), (text("%2e%2e/a"), .percent),
      (text("a%00"), .percent), (text("a%"), .percent), (text("a\u{0}b"), .nul), (hex("61c0ae"), .notASCII(0xc0)),
      (hex("c0afc0ae"), .notASCII(0xc0)), (hex("e080af61"), .notASCII(0xe0)), (text("café"), .notASCII(0xc3)),
      (hex("ff61"), .notASCII(0xff)), (text("a b"), .character(0x20)), (text("a\nb"), .character(10)),
      (text("C:\\boot"), .character(0x3a)), (text("http://x/a"), .character(0x3a)), (text("a?b"), .character(0x3f)),
      (text("a;b"), .character(0x3b)), (text("$(id)"), .character(0x24)), (text("a\u{7f}"), .character(0x7f)),
      ([UInt8](repeating: 97, count: 256), .tooLong(bytes: 256)),
    ]
    for (bytes, expected) in cases {
      #expect(refusal { () throws(NetworkBootProtocolFailure) in _ = try ObjectName(tftp: bytes) } == expected)
    }
    #expect(refusal { () throws(NetworkBootProtocolFailure) in _ = try ObjectName("a\\b") } == .character(0x5c))
    #expect(
      refusal { () throws(NetworkBootProtocolFailure) in _ = try ObjectName(tftp: [UInt8](repeating: 97, count: 255)) }
        == nil)
  }

  @Test("every refusal has words of its own") func words() {
    let refusals: [ObjectName.Refusal] = [
      .empty, .tooLong(bytes: 300), .folder, .currentFolder, .parentFolder, .percent, .nul, .notASCII(0xc0),
      .character(0x3a), .otherServer("a"), .noPath, .query,
    ]
    #expect(Set(refusals.map(\.message)).count == refusals.count)
    #expect(ObjectName.Refusal.character(27).message == "the name has the character \"\\x1b\"")
  }

  private func target(_ text: [UInt8]) throws(NetworkBootProtocolFailure) -> RequestTarget {
    try RequestTarget(parsing: text, authorities: ["10.66.0.2", "boot.example:8080"])
  }

  @Test("an HTTP target: a path, or a URL for this server") func targets() throws {
    for (spelling, name, query) in [
      ("/tier1/boot.iso", "tier1/boot.iso", ""), ("//tier1//boot.iso", "tier1/boot.iso", ""),
      ("/boot.ipxe?uuid=4c4c4544-0042&mac=52%3A54", "boot.ipxe", "uuid=4c4c4544-0042&mac=52%3A54"), ("/a?", "a", ""),
      ("/a?b?../c", "a", "b?../c"), ("http://10.66.0.2/a", "a", ""), ("HTTP://Boot.Example:8080/a?x=1", "a", "x=1"),
    ] {
      let target = try target(text(spelling))
      #expect(target.name.text == name && target.query == query)
    }
  }

  @Test("other targets are refused") func otherTargets() {
    let cases: [([UInt8], ObjectName.Refusal)] = [
      ([], .noPath), (text("*"), .noPath), (text("a"), .noPath), (text("10.66.0.2:80"), .noPath), (text("?"), .noPath),
      (text("https://10.66.0.2/a"), .noPath), (text("http://"), .noPath), (text("http://evil/a"), .otherServer("evil")),
      (text("http://10.66.0.2@evil/a"), .otherServer("10.66.0.2@evil")), (text("http:///a"), .otherServer("")),
      (text("http://10.66.0.2"), .empty), (text("/"), .empty), (text("/a/"), .folder), (text("/../a"), .parentFolder),
      (text("/..\\a"), .character(0x5c)), (text("/%2e%2e/a"), .percent), (text("/a#b"), .character(0x23)),
      (text("/a?b#c"), .query), (text("/a?b c"), .query), (text("/a?") + [0], .query),
      (text("/a?") + [0xc3, 0xa9], .query),
      (text("/a?") + [UInt8](repeating: 97, count: 513), .query), (text("/a\u{0}?b"), .nul),
    ]
    for (bytes, expected) in cases {
      #expect(refusal { () throws(NetworkBootProtocolFailure) in _ = try target(bytes) } == expected)
    }
  }
}
