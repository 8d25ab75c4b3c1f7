// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import MediumWriting

extension ISOWriting {
  /// What osirrox takes out is what the tree put in: names, content, permissions, times, links.
  @Suite struct Content {
    /// Everything below a folder: path → description.
    private func contents(of folder: FilePath) throws -> [[UInt8]: String] {
      var found: [[UInt8]: String] = [:]
      let tree = try BootTree(folder: folder, volumeIdentifier: "X", timestamp: 0)
      for entry in tree.entries { found[Array(entry.path.utf8)] = try describe(entry) }
      return found
    }

    private func describe(_ entry: BootTree.Entry) throws -> String {
      let mode = String(entry.permissions, radix: 8)
      return switch entry.content {
      case .file(let file, let size): "file \(mode) \(size.bytes) \(try Digest(ofFile: file))"
      case .bytes(let bytes): "file \(mode) \(bytes.count) \(Digest(of: bytes))"
      case .folder: "folder \(mode)"
      case .symbolicLink(let target): "link \(target)"
      }
    }

    private func roundTrip(_ entries: [BootTree.Entry]) async throws {
      let scratch = try TemporaryFolder()
      _ = try await ISOImage.write(dataTree(entries), to: scratch["out.iso"])
      try await extract(scratch["out.iso"], to: scratch["x"])
      var expected: [[UInt8]: String] = [:]
      for entry in entries {
        expected[Array(entry.path.utf8)] = try describe(entry)
        var folder = entry.path.utf8[...]
        while let slash = folder.lastIndex(of: UInt8(ascii: "/")) {
          folder = folder[..<slash]
          if expected[Array(folder)] == nil { expected[Array(folder)] = "folder 755" }
        }
      }
      let actual = try contents(of: scratch["x"])
      for (path, description) in expected {
        #expect(actual[path] == description, "\(String(decoding: path, as: UTF8.self).debugDescription)")
      }
      #expect(actual.count == expected.count)
    }

    @Test func namesThatAreHardToSay() async throws {
      let names = [
        "\u{e9}", "e\u{301}", "日本語のファイル", "😀 emoji", "Ελληνικά", "with space", " leading", "trailing ", "trailing.",
        "...", "-dash", "tab\there", "line\nbreak", "back\\slash", "a*b", "a?b", "a:b", "a;1", "semi;colon", "quote\"",
        "UPPER", "upper", "Upper", "file.TXT", "file.txt", "no-extension", ".hidden", "a.b.c.d.e", "$dollar", "%41",
        "~",
        "\u{200d}joiner", "\u{1}control", "\u{7f}", "x\u{feff}bom",
        String(repeating: "n", count: 255), String(repeating: "m", count: 254), String(repeating: "ü", count: 127),
        String(repeating: "j", count: 103), String(repeating: "j", count: 104), String(repeating: "j", count: 105),
      ]
      try await roundTrip(names.enumerated().map { .init("names/\($1)", .bytes(Array("content \($0)".utf8))) })
    }

    @Test func deepAndLongPaths() async throws {
      let deep = (1...20).map { "level-\($0)-" + String(repeating: "x", count: 40) }.joined(separator: "/")
      #expect(deep.utf8.count > 900)
      try await roundTrip([
        .init(deep + "/file", .bytes([1, 2, 3])), .init("a/b/c/d/e/f/g/h/i/j/k/l", .bytes([4])),
        .init("a/b/c/d/e/f/g/h/i/empty", .folder),
      ])
    }

    @Test func permissionsAndEmptyThings() async throws {
      try await roundTrip([
        .init("empty", .bytes([])), .init("empty too", .bytes([])), .init("none", .folder),
        .init("private", .folder, permissions: 0o700), .init("private/key", .bytes([1]), permissions: 0o600),
        .init("tool", .bytes([2]), permissions: 0o755), .init("setuid", .bytes([3]), permissions: 0o4755),
        .init("sticky", .folder, permissions: 0o1777), .init("read-only", .bytes([4]), permissions: 0o444),
      ])
    }

    @Test func symbolicLinks() async throws {
      let targets = [
        "file", "/etc/passwd", "../..", ".", "/", "nowhere/at/all", "ü/😀", String(repeating: "t", count: 255),
        String(repeating: "abc/", count: 255) + "end", "a b\\c*", "..", "./x/../y",
      ]
      try await roundTrip(
        [.init("file", .bytes([1]))] + targets.enumerated().map { .init("links/\($0)", .symbolicLink($1)) })
    }

    @Test func sizesAroundBlocksAndBuffers() async throws {
      let scratch = try TemporaryFolder()
      let sizes = [1, 2047, 2048, 2049, 262_143, 262_144, 262_145, 1_048_575, 1_048_577, 3_000_001]
      let entries = try sizes.map { size -> BootTree.Entry in
        let file = try scratch.file("\(size)", pattern(size, seed: UInt32(size)))
        return .init("sizes/\(size)", .file(file, ByteCount(size)))
      }
      try await roundTrip(entries)
    }

    @Test func thousandsOfFiles() async throws {
      let one = (0..<3000).map { BootTree.Entry("one folder/file \($0)", .bytes(Array("\($0)".utf8))) }
      let same = (0..<1500).map {
        BootTree.Entry("same start/a-rather-long-common-beginning-\($0).txt", .bytes([UInt8($0 % 251)]))
      }
      let folders = (0..<500).map { BootTree.Entry("folders/\($0)/x", .bytes([UInt8($0 % 250)])) }
      try await roundTrip(one + same + folders)
    }

    @Test func everythingBelongsToRootAndHasOneTime() async throws {
      let scratch = try TemporaryFolder()
      let file = try scratch.file("source", [1, 2, 3])
      let tree = dataTree([
        .init("d/f", .file(file, ByteCount(3))), .init("d/l", .symbolicLink("f")), .init("e", .folder),
      ])
      _ = try await ISOImage.write(tree, to: scratch["out.iso"])
      let text = try await ExternalCommand(
        "xorriso", ["-indev", scratch["out.iso"].string, "-find", "/", "-exec", "lsdl", "--"],
        environment: ["TZ": "UTC"], package: "xorriso"
      ).text()
      let lines = text.split(separator: "\n")
      #expect(lines.count == 5)
      for line in lines {
        let fields = line.split(separator: " ", omittingEmptySubsequences: true)
        #expect(fields[2...3].elementsEqual(["0", "0"]), "\(line)")
        #expect(line.contains("Jan  2  2026") || line.contains("Jan  2 03:04"), "\(line)")
      }
    }

    /// What Windows sees.
    @Test func jolietHasTheNamesToo() async throws {
      let scratch = try TemporaryFolder()
      let entries: [BootTree.Entry] = [
        .init("Ordner/Müller – Straße 😀.txt", .bytes([1])),
        .init("a long name of more than 31 characters.txt", .bytes([2])),
        .init("link", .symbolicLink("nowhere")),
      ]
      let written = try await ISOImage.write(dataTree(entries), to: scratch["out.iso"])
      #expect(written.notes == [])
      #expect(
        try await jolietNames(scratch["out.iso"]) == [
          "/", "/Ordner", "/Ordner/Müller – Straße 😀.txt", "/a long name of more than 31 characters.txt",
        ])
    }

    /// The Joliet tree as xorriso reads it when told to leave Rock Ridge alone.
    private func jolietNames(_ image: FilePath) async throws -> Set<String> {
      let text = try await ExternalCommand(
        "xorriso", ["-read_fs", "norock", "-indev", image.string, "-find", "/"], package: "xorriso"
      ).text()
      return Set(text.split(separator: "\n").map { $0.trimmingCharacters(in: ["'"]) })
    }

    @Test func namesThatJolietShortensAreRemarked() async throws {
      let scratch = try TemporaryFolder()
      let long = String(repeating: "j", count: 110)
      let entries: [BootTree.Entry] = [
        .init(long + "1", .bytes([1])), .init(long + "2", .bytes([2])), .init("a:b", .bytes([3])),
      ]
      let written = try await ISOImage.write(dataTree(entries), to: scratch["out.iso"])
      #expect(Set(written.notes) == Set(entries.map { .jolietName(path: $0.path) }))
      let names = try await jolietNames(scratch["out.iso"])
      #expect(names.count == 4 && names.contains("/a_b"))
      // An older reader agrees that there are three distinct names.
      let text = try await ExternalCommand(
        "isoinfo", ["-J", "-f", "-i", scratch["out.iso"].string], package: "genisoimage"
      ).text()
      #expect(Set(text.split(separator: "\n")).count == 3)
    }
  }
}
