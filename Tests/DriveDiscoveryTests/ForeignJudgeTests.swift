// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import DriveDiscovery

/// What is read from image files and loop devices is what `blkid` and `lsblk` say of them.
@Suite struct ForeignJudgeTests {
  /// How to fill an empty file of 64 MiB, `$1`.
  static let recipes: [(name: String, script: String)] = [
    ("empty", "true"),
    ("vfat", "mkfs.vfat -n STICK \"$1\""),
    ("ext4", "mkfs.ext4 -q -L data \"$1\""),
    ("swap", "mkswap -L swap \"$1\""),
    ("gpt", "sgdisk -n 1:2048:+16M -c 1:first -n 2:0:+8M -t 2:8300 \"$1\""),
    ("dos", "printf 'label: dos\\n2048,16M,c\\n,,83\\n' | sfdisk -q \"$1\""),
    ("luks", "printf secret | cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 \"$1\" -"),
    (
      "iso",
      "mkdir \"$1.d\" && echo a >\"$1.d/a\" && xorriso -as mkisofs -quiet -R -V LIFEBOAT_TIER1 -o \"$1\" \"$1.d\""
    ),
    (
      "two file systems",
      "mkfs.ext4 -q \"$1\" && truncate -s 64M \"$1.f\" && mkfs.vfat \"$1.f\" && dd if=\"$1.f\" of=\"$1\" count=1 conv=notrunc"
    ),
  ]

  private func image(_ script: String, in folder: TemporaryFolder, name: String = "image") async throws -> FilePath {
    let file = folder.appending(name)
    let outcome = try await Tool.run(
      "sh", ["-c", "PATH=$PATH:/usr/sbin:/sbin; set -e; truncate -s 64M \"$1\"; \(script)", "sh", file.string])
    #expect(outcome.status == 0, "\(outcome)")
    return file
  }

  private func blkid(_ path: FilePath) async throws -> (values: [String: String], status: Int32) {
    let outcome = try await Tool.run("blkid", ["-p", "-o", "export", path.string], package: "util-linux")
    let pairs = outcome.lines.map { $0.split(separator: "=", maxSplits: 1) }.filter { $0.count == 2 }
    return (Dictionary(pairs.map { (String($0[0]), String($0[1])) }) { first, _ in first }, outcome.status)
  }

  @Test(arguments: recipes.indices)
  func anImageIsWhatBlkidSays(index: Int) async throws {
    let recipe = Self.recipes[index]
    let folder = try TemporaryFolder()
    let file = try await image(recipe.script, in: folder)
    let judged = try await blkid(file)
    let probe = SignatureProbe.read(file)
    #expect(probe.source == .device)
    // 8: it found signatures that contradict each other.
    #expect(probe.isAmbivalent == (judged.status == 8), "\(recipe.name): \(judged)")
    #expect(probe.isAmbivalent == (recipe.name == "two file systems"), "\(recipe.name)")
    guard !probe.isAmbivalent else { return #expect(Set(probe.signatures.map(\.type)) == ["ext4", "vfat"]) }
    let signature = probe.signatures.first
    #expect(signature?.type == judged.values["TYPE"], "\(recipe.name): \(judged)")
    #expect(signature?.usage == judged.values["USAGE"])
    #expect(signature?.label == judged.values["LABEL"])
    #expect(signature?.uuid == judged.values["UUID"])
    #expect(probe.table?.type == judged.values["PTTYPE"])
    #expect(probe.table?.uuid == judged.values["PTUUID"])
  }

  @Test func partitionsAreThoseOfSgdisk() async throws {
    let folder = try TemporaryFolder()
    let file = try await image(Self.recipes[4].script, in: folder)
    let inner = try await image("truncate -s 16M \"$1\"; mkfs.vfat -n INNER \"$1\"", in: folder, name: "inner")
    _ = try await Tool.run(
      "dd", ["if=\(inner)", "of=\(file)", "bs=1M", "seek=1", "conv=notrunc", "status=none"])
    let entries = try #require(SignatureProbe.read(file).table?.entries)
    #expect(entries.map(\.index) == [1, 2] && entries.map(\.size) == [.mebibytes(16), .mebibytes(8)])
    #expect(entries.first?.start == .mebibytes(1) && entries.first?.name == "first")
    #expect(entries.first?.signatures?.map(\.label) == ["INNER"], "looked at inside the image")
    #expect(entries.last?.signatures == [])
  }

  @Test func whatCannotBeOpenedSaysWhy() throws {
    let folder = try TemporaryFolder()
    #expect(SignatureProbe.read(folder.appending("absent")).source == .failed)
  }

  /// The machine that the tests run on, against lsblk.
  @Test func thisMachineIsWhatLsblkSays() async throws {
    let machine = await MachineReader().read()
    let outcome = try await Tool.run("lsblk", ["--json", "-b", "-a", "-l", "-o", "NAME,MAJ:MIN,SIZE,RO,RM"])
    let list = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.bytes)) as? [String: [[String: Any]]])
    for row in try #require(list["blockdevices"]) {
      let name = try #require(row["name"] as? String)
      // Other tests may set up and take down loop devices at the same time.
      guard !name.hasPrefix("loop"), let device = machine.devices.first(where: { $0.name == name }) else { continue }
      #expect(device.number.description == row["maj:min"] as? String)
      #expect(device.size.bytes == (row["size"] as? NSNumber)?.int64Value ?? 0)
      #expect(device.isReadOnly == row["ro"] as? Bool)
      if device.partition == nil { #expect(device.isRemovable == row["rm"] as? Bool) }
    }
    #expect(!machine.mounts.isEmpty)
    let survey = DriveSurvey(machine)
    for drive in survey.drives where !drive.isCandidate { #expect(!survey.verdict(on: drive).isWritable) }
  }
}

/// A loop device of a test's own; needs root and a kernel that has them.
@Suite(.serialized) struct LoopDeviceTests {
  @Test(.enabled(if: Loop.isAllowed, "needs root and loop devices"))
  func aLoopDeviceIsReadAndRecognisedAgain() async throws {
    let folder = try TemporaryFolder()
    let file = folder.appending("stick.img")
    let made = try await Tool.run(
      "sh", ["-c", "truncate -s 64M \"$0\" && PATH=$PATH:/usr/sbin mkfs.vfat -n STICK \"$0\"", file.string])
    #expect(made.status == 0, "\(made)")
    let drive = try await Loop.with(file) { path in
      let survey = await DriveSurvey.current()
      let drive = try survey.select(path.string).drive
      #expect(drive.kind == .loop && drive.size == .mebibytes(64))
      #expect(drive.contents.summary == "vfat \"STICK\"")
      #expect(survey.verdict(on: drive).refusals.map(\.code) == ["loop-device"])
      #expect(survey.verdict(on: drive, for: Requirement(allowsLoopDevices: true)).isWritable)
      let now = try DriveIdentity.current(of: drive.number)
      #expect(now.differences(from: drive.identity).isEmpty)
      return drive
    }
    // The same path with another file behind it is another drive.
    let other = folder.appending("other.img")
    _ = try await Tool.run("truncate", ["-s", "32M", other.string])
    let again = try await Tool.run("losetup", [drive.path, other.string])
    if again.status != 0 { try Test.cancel("another program has taken \(drive.path) meanwhile") }
    let differences = Result { try DriveIdentity.current(of: drive.number).differences(from: drive.identity) }
    _ = try await Tool.run("losetup", ["-d", drive.path])
    let found = try differences.get()
    #expect(found.contains(.size) && found.contains(.sequence), "\(found)")
  }

  @Test func aDeviceThatIsNotThereIsSaidToBeGone() {
    let number = DeviceNumber(major: 4095, minor: 1_048_575)
    #expect(throws: DriveDiscoveryFailure.noSuchDevice(number)) { try DriveIdentity.current(of: number) }
  }
}
