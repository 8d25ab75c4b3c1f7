// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// `write --data` of the built program to loop devices, judged by blkid, sgdisk and fsck.
@Suite(.serialized, .enabled(if: Loop.isAllowed, "needs root and loop devices")) struct WriteDataTests {
  let folder: TemporaryFolder
  let image: FilePath
  static let partition = 67 << 20..<207 << 20

  init() async throws {
    folder = try TemporaryFolder()
    image = try await Self.medium("demo", folder)
  }

  /// A hybrid medium as xorriso makes it, with a record that says what it is.
  private static func medium(_ name: String, _ folder: TemporaryFolder) async throws -> FilePath {
    try folder.write("\(name)/lifeboat.json", record(name))
    try folder.write("\(name)/content", ImageMaker.bytes(700_000, seed: UInt64(name.utf8.count)))
    try folder.write("esp", [UInt8](repeating: 0, count: 1 << 20))
    let made = try await Tool.run(
      "xorriso",
      [
        "-as", "mkisofs", "-quiet", "-R", "-J", "-V", "LIFEBOAT_DEMO", "-append_partition", "2",
        "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", folder.appending("esp").string, "-appended_part_as_gpt", "-o",
        "\(name).iso", name,
      ], in: folder.path)
    try #require(made.status == 0, "\(made)")
    return folder.appending("\(name).iso")
  }

  private static func record(_ name: String) -> String {
    """
    {"format": 1, "lifeboat": "1.2.3", "identifier": "39e6f3a53c639826", "image": "\(name)", "title": "Demo",
     "release": "bookworm", "timestamp": 1783764997, "variants": [], "files": [], "bootImages": []}
    """
  }

  private func withDrive(_ body: (FilePath) async throws -> Void) async throws {
    try await Loop.with(
      try ImageMaker.sparse(folder.appending("drive"), size: 208 << 20, data: [0..<1 << 20, 100 << 20..<101 << 20]), [],
      body)
  }

  private func write(_ image: FilePath, _ device: FilePath, _ more: String...) async throws -> Tool.Outcome {
    try await Repository.lifeboat(["write", image.string, device.string, "--allow-loop", "--yes"] + more)
  }

  private func document(_ text: String?) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data((text ?? "").utf8)) as? [String: Any])
  }

  private func data(_ outcome: Tool.Outcome) throws -> [String: Any]? {
    try (document(outcome.lines.last)["targets"] as? [[String: Any]])?.first?["data"] as? [String: Any]
  }

  private func judge(_ device: FilePath, _ type: String, _ label: String) async throws {
    let table = try await Tool.run("sgdisk", ["-v", device.string], package: "gdisk")
    #expect(table.output.contains("No problems found"), "\(table)")
    try await Loop.with(device, ["-o", "\(Self.partition.lowerBound)", "--sizelimit", "\(Self.partition.count)"]) {
      let found = try await Tool.run("blkid", ["-p", "-o", "export", $0.string], package: "util-linux")
      #expect(found.lines.contains("TYPE=\(type)") && found.lines.contains("LABEL=\(label)"), "\(found)")
      let checker = type == "ext4" ? ("e2fsck", "-fn") : ("fsck.exfat", "-n")
      let checked = try await Tool.run(checker.0, [checker.1, $0.string])
      #expect(checked.status == 0, "\(checked)")
    }
  }

  @Test func thePartitionIsMadeToldAndKept() async throws {
    try await withDrive { device in
      let outcome = try await write(image, device, "--data")
      #expect(outcome.status == 0, "\(outcome)")
      #expect(outcome.errors.contains("+ 146.8 MB exfat \"LIFEBOAT\"\nEverything on it will be lost.\n"), "\(outcome)")
      #expect(outcome.lines.last == "  data partition: 146.8 MB exfat \"LIFEBOAT\"", "\(outcome)")
      try await judge(device, "exfat", "LIFEBOAT")

      let update = try await write(image, device, "--update", "--json")
      #expect(update.status == 0, "\(update)")
      #expect(update.errors.contains("keeps 146.8 MB exfat \"LIFEBOAT\""), "\(update)")
      let kept = try #require(try data(update))
      #expect(kept["kept"] as? Bool == true && kept["fileSystem"] as? String == "exfat", "\(kept)")
      #expect(kept["label"] as? String == "LIFEBOAT")
      #expect((kept["partition"] as? [String: Int]) == ["offset": 67 << 20, "length": 140 << 20])

      let other = try await write(try await Self.medium("another", folder), device, "--update", "--data")
      #expect(other.status == 0 && other.lines.last?.contains("as it was") == true, "\(other)")
      try await judge(device, "exfat", "LIFEBOAT")
      let compared = try await write(image, device, "--verify-only")
      #expect(compared.status == 11, "\(compared)")
    }
  }

  @Test func devicesShowThePartitionAndTheMedium() async throws {
    try await withDrive { device in
      let outcome = try await write(image, device, "--data", "--data-file-system", "ext4", "--data-label", "rescued")
      #expect(outcome.status == 0, "\(outcome)")
      try await judge(device, "ext4", "rescued")
      let listed = try await Repository.lifeboat(["devices", "--json", "--all", "--allow-loop"])
      let drives = try document(listed.output)["drives"] as? [[String: Any]]
      let drive = try #require(drives?.first { $0["path"] as? String == device.string })
      let medium = try #require(drive["medium"] as? [String: String], "\(drive)")
      #expect(medium == ["image": "demo", "identifier": "39e6f3a53c639826", "version": "1.2.3"])
      #expect(
        drive["summary"] as? String == "Lifeboat medium demo (39e6f3a53c639826, by Lifeboat 1.2.3), ext4 \"rescued\"")
      let partitions = (drive["contents"] as? [String: Any])?["partitions"] as? [[String: Any]]
      #expect(partitions?.last?["name"] as? String == "lifeboat-data")
      #expect(partitions?.last?["start"] as? Int == Self.partition.lowerBound)
    }
  }

  @Test func aFullWriteSaysWhatIsLost() async throws {
    try await withDrive { device in
      #expect(try await write(image, device, "--data", "--json").status == 0)
      let outcome = try await write(image, device)
      #expect(outcome.status == 0 && outcome.lines.count == 1, "\(outcome)")
      #expect(
        outcome.errors.contains(
          "\nEverything on it will be lost, including what was saved in the data partition of \(device) (146.8 MB exfat"
            + " \"LIFEBOAT\").\n"), "\(outcome)")
      let table = try await Tool.run("sgdisk", ["-p", device.string])
      #expect(!table.output.contains("lifeboat-data"), "\(table)")
    }
  }

  @Test func whatCannotBeIsRefusedBeforeAnythingIsWritten() async throws {
    try await withDrive { device in
      let before = try Digest(ofFile: folder.appending("drive"))
      let plain = try ImageMaker.sparse(folder.appending("plain.img"), size: 1 << 20, data: [0..<1 << 20])
      let noTable = try await write(plain, device, "--data")
      #expect(noTable.status == 65 && noTable.errors.contains("no GUID partition table"), "\(noTable)")
      #expect(try await Tool.run("gzip", ["-k", image.string]).status == 0)
      let late = try await write(FilePath("\(image).gz"), device, "--data")
      #expect(late.status == 65 && late.errors.contains("does not say how large it is once decompressed"), "\(late)")
      let label = try await write(image, device, "--data", "--data-label", "much too long")
      #expect(label.status == 64 && label.errors.contains("cannot be the label"), "\(label)")
      let large = try ImageMaker.sparse(folder.appending("large.iso"), size: 100 << 20, data: [])
      try AtomicFile.write(try FileTree.bytes(of: image), to: folder.appending("large.iso"))
      let grown = try FileDescriptor.open(large, .readWrite)
      try grown.resize(to: 100 << 20)
      try grown.close()
      let small = try await write(large, device, "--data")
      #expect(small.status == 15 && small.errors.contains("240,123,904"), "the size that is needed: \(small)")
      #expect(try Digest(ofFile: folder.appending("drive")) == before, "nothing was written")
    }
  }

  /// In a mount namespace of its own, a program is hidden behind what cannot be run.
  @Test(arguments: [
    ("sfdisk", "fdisk", ["--data"]), ("mkfs.exfat", "exfatprogs", ["--data"]),
    ("debugfs", "e2fsprogs", ["--data", "--data-file-system", "ext4"]), ("sfdisk", "fdisk", ["--update"]),
  ])
  func aMissingProgramIsNamedBeforeAnythingIsWritten(program: String, package: String, more: [String]) async throws {
    try await withDrive { device in
      if more == ["--update"] { #expect(try await write(image, device, "--data").status == 0) }
      let before = try Digest(ofFile: folder.appending("drive"))
      let script = "mount --bind /dev/null \"$0\" && exec \"$@\""
      let outcome = try await Tool.run(
        "unshare",
        ["-m", "sh", "-c", script, try Tool.require(program), try Repository.program("lifeboat").string]
          + ["write", image.string, device.string, "--allow-loop", "--yes"] + more, package: "util-linux")
      #expect(outcome.status == 69, "\(outcome)")
      #expect((outcome.output + outcome.errors).contains("apt-get install \(package)"), "\(outcome)")
      #expect(try Digest(ofFile: folder.appending("drive")) == before, "nothing was written")
    }
  }
}
