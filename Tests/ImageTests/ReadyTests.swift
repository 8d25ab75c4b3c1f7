// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// The line for machines, judged by a JSON parser.
struct ReadyTests {
  private static let tools = ["health|user|safe|-|disks|Disk health|Reads reports|true"]
  private static let layers = ["10-base.squashfs": "base", "30-tools.squashfs": "tools", "90-settings.squashfs": "set"]

  /// A medium with three layers and their record; `lie` gets the digest of something else.
  private func image(lie: String? = nil, compact: Bool = false) async throws -> StartedImage {
    let image = try await StartedImage(tools: Self.tools)
    let folder = "run/live/medium/\(StartedImage.mediumPath)"
    try image.write("\(folder)/filesystem.module", Self.layers.keys.sorted().map { $0 + "\n" }.joined())
    var files: [[String: Any]] = []
    for (name, content) in Self.layers {
      try image.write("\(folder)/\(name)", content)
      let digest = Digest(of: name == lie ? "another" : content)
      files.append([
        "path": "\(StartedImage.mediumPath)/\(name)", "sha256": digest.hex, "size": 4,
        "pieces": [Digest(of: "piece").hex, Digest(of: "other").hex],
      ])
      // The same names of the other architecture must not be taken for these.
      files.append([
        "path": "lifeboat/\(StartedImage.identifier)/x86/\(name)", "sha256": Digest(of: "x86").hex, "size": 3,
      ])
    }
    let record: [String: Any] = [
      "format": 1, "files": files, "title": "a \"title\" {with} braces",
      "variants": [
        ["architecture": "x64", "layers": Self.layers.keys.sorted().map { StartedImage.mediumPath + "/" + $0 }]
      ],
    ]
    let options: JSONSerialization.WritingOptions =
      compact ? [] : [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let bytes = [UInt8](try JSONSerialization.data(withJSONObject: record, options: options))
    try image.write("run/live/medium/lifeboat.json", bytes)
    return image
  }

  private struct Line: Decodable, Equatable {
    var image, architecture, id, medium, firmware, secureBoot: String
    var layers: [String: String]
  }

  /// Runs it and reads its line, which must be there exactly once.
  private func line(_ image: StartedImage, on console: String = "dev/console") async throws -> Line {
    let outcome = try await image.run("usr/lib/lifeboat/ready")
    #expect(outcome.status == 0, "\(outcome)")
    let lines = image.text(console).split(separator: "\n").filter { $0.hasPrefix("LIFEBOAT-READY ") }
    try #require(lines.count == 1, "\(image.text(console))")
    return try JSONDecoder().decode(Line.self, from: Data(lines[0].dropFirst("LIFEBOAT-READY ".count).utf8))
  }

  private var digests: [String: String] { Self.layers.mapValues { Digest(of: $0).hex } }

  @Test(arguments: [false, true]) func aBIOS(compact: Bool) async throws {
    let line = try await line(image(compact: compact))
    #expect(
      line
        == Line(
          image: "tier1", architecture: "x64", id: StartedImage.identifier, medium: "/dev/sr0", firmware: "bios",
          secureBoot: "unsupported", layers: digests))
  }

  @Test func layersKeepTheirOrder() async throws {
    let image = try await image()
    _ = try await line(image)
    let text = image.text("dev/console")
    let places = try Self.layers.keys.sorted().map { try #require(text.range(of: $0)).lowerBound }
    #expect(places == places.sorted())
  }

  @Test(arguments: ["64", "32"], [0, 1]) func anUEFI(width: String, enforcing: UInt8) async throws {
    let image = try await image()
    try image.write("sys/firmware/efi/fw_platform_size", width + "\n")
    try image.write(
      "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", [6, 0, 0, 0, enforcing])
    let line = try await line(image)
    #expect(line.firmware == "uefi\(width)" && line.secureBoot == (enforcing == 1 ? "enabled" : "disabled"))
  }

  @Test func anUEFIWithoutTheVariable() async throws {
    let image = try await image()
    try image.write("sys/firmware/efi/fw_platform_size", "64\n")
    #expect(try await line(image).secureBoot == "unsupported")
  }

  @Test func startedFromMemory() async throws {
    let image = try await image()
    try image.write(
      "proc/self/mounts", "/dev/sr0 /run/live/medium iso9660 ro 0 0\n/dev/shm /run/live/medium tmpfs ro 0 0\n")
    #expect(try await line(image).medium == "memory")
  }

  @Test(arguments: [false, true]) func startedFromTheNetwork(streams: Bool) async throws {
    let image = try await image()
    try image.write("proc/cmdline", image.text("proc/cmdline").replacing("quiet", with: "lifeboat.boot=net quiet"))
    try image.write("proc/self/mounts", "lifeboat /run/live/medium tmpfs ro 0 0\n")
    if streams { try image.write("run/lifeboat/stream/interface", "eth0\n") }
    #expect(try await line(image).medium == (streams ? "network-streamed" : "network"))
  }

  @Test func aSerialConsoleThatIsNotTheLastHearsItToo() async throws {
    let image = try await image()
    try image.write("sys/class/tty/console/active", "ttyS0 tty0\n")
    #expect(try await line(image, on: "dev/ttyS0").layers == digests)
    #expect(image.text("dev/console") == image.text("dev/ttyS0"))
  }

  @Test func aSerialPortThatIsNoConsoleIsLeftAlone() async throws {
    let image = try await image()
    try image.write("sys/class/tty/console/active", "tty0\n")
    _ = try await line(image)
    #expect(!FileTree.names(in: image.root.appending("dev")).contains("ttyS0"))
  }

  @Test func withoutARecordTheDigestsAreEmpty() async throws {
    let image = try await image()
    FileTree.remove(image.root.appending("run/live/medium/lifeboat.json"))
    #expect(try await line(image).layers == digests.mapValues { _ in "" })
  }

  @Test func whatCannotShowAMenuIsNotReady() async throws {
    let image = try await image()
    FileTree.remove(image.root.appending("usr/lib/lifeboat/tools.tsv"))
    #expect(try await image.run("usr/lib/lifeboat/ready").status != 0)
    #expect(!image.text("dev/console").contains("LIFEBOAT-READY"))
  }

  // MARK: - lifeboat.verify

  private func verify(_ image: StartedImage) async throws -> String {
    try image.write("proc/cmdline", image.text("proc/cmdline").replacing("quiet", with: "quiet lifeboat.verify"))
    _ = try await line(image)
    let lines = image.text("dev/console").split(separator: "\n").filter { $0.hasPrefix("LIFEBOAT-VERIFIED ") }
    try #require(lines.count == 1)
    return String(lines[0].dropFirst("LIFEBOAT-VERIFIED ".count))
  }

  @Test func layersThatAreAsRecorded() async throws { #expect(try await verify(image()) == "ok") }

  @Test func aLayerThatIsNot() async throws {
    let image = try await image(lie: "30-tools.squashfs")
    #expect(try await verify(image) == "FAILED 30-tools.squashfs")
    // The menu says it as well.
    _ = try await image.run("usr/bin/lifeboat-menu")
    #expect(image.boxes.contains("not as it should be") && image.boxes.contains("30-tools.squashfs"))
  }

  @Test func aLayerThatCannotBeRead() async throws {
    let image = try await image()
    FileTree.remove(image.root.appending("run/live/medium/\(StartedImage.mediumPath)/10-base.squashfs"))
    #expect(try await verify(image) == "FAILED 10-base.squashfs")
  }

  @Test func nothingToCompareWithIsAFailure() async throws {
    let image = try await image()
    FileTree.remove(image.root.appending("run/live/medium/lifeboat.json"))
    #expect(try await verify(image) == "FAILED 10-base.squashfs 30-tools.squashfs 90-settings.squashfs")
  }

  @Test func noLayersAreAFailure() async throws {
    let image = try await image()
    FileTree.remove(image.root.appending("run/live/medium/\(StartedImage.mediumPath)/filesystem.module"))
    #expect(try await verify(image) == "FAILED filesystem.module")
  }
}
