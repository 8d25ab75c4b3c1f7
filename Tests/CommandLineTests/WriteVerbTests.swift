// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// The built program writing to loop devices, judged by cmp.
@Suite(.serialized, .enabled(if: Loop.isAllowed, "needs root and loop devices")) struct WriteVerbTests {
  let folder: TemporaryFolder
  let image: FilePath
  static let size = (9 << 20) + 700

  init() throws {
    folder = try TemporaryFolder()
    image = try ImageMaker.sparse(
      folder.appending("stick.img"), size: Self.size,
      data: [0..<3 << 20, 5 << 20..<7 << 20, Self.size - 700..<Self.size])
  }

  private func with<Result>(_ name: String, _ body: (FilePath) async throws -> Result) async throws -> Result {
    try await Loop.with(try ImageMaker.filled(folder.appending(name), size: 16 << 20), [], body)
  }

  private func write(_ device: FilePath..., image: FilePath? = nil, more: [String] = ["--yes"]) async throws
    -> Tool.Outcome
  {
    try await Repository.lifeboat(
      ["write", (image ?? self.image).string] + device.map(\.string) + ["--allow-loop"] + more)
  }

  private func holdsImage(_ device: FilePath) async throws -> Bool {
    try await Tool.run("cmp", ["-n", "\(Self.size)", image.string, device.string]).status == 0
  }

  /// What no firmware starts from: the first sector has neither boot code nor a partition table.
  private func isEmptyAtTheStart(_ device: FilePath) async throws -> Bool {
    try await Tool.run("cmp", ["-n", "2097152", device.string, "/dev/zero"]).status == 0
  }

  private func damage(_ device: FilePath, at offset: Int) async throws {
    let outcome = try await Tool.run(
      "dd", ["of=\(device)", "bs=512", "seek=\(offset / 512)", "count=2", "if=/dev/urandom", "conv=notrunc,fsync"])
    #expect(outcome.status == 0)
  }

  private func result(_ outcome: Tool.Outcome) throws -> [String: Any] {
    let last = try #require(outcome.lines.last)
    let document = try JSONSerialization.jsonObject(with: Data(last.utf8)) as? [String: Any]
    return try #require(document)
  }

  private func target(_ outcome: Tool.Outcome, _ index: Int = 0) throws -> [String: Any] {
    let targets = try #require(try result(outcome)["targets"] as? [[String: Any]])
    return try #require(targets.indices.contains(index) ? targets[index] : nil)
  }

  @Test func writesAndSaysSo() async throws {
    try await with("a") { device in
      let outcome = try await write(device)
      #expect(outcome.status == 0, "\(outcome)")
      #expect(outcome.errors.hasPrefix("write and verify \(image), 9.4 MB\n  \(device)  "), "\(outcome)")
      #expect(outcome.errors.contains("\nEverything on it will be lost.\n"))
      #expect(outcome.output.hasPrefix("\(device): verified, "), "\(outcome)")
      #expect(try await holdsImage(device))
      #expect(try await isEmptyAtTheStart(device) == false)
    }
  }

  @Test func withoutATerminalItNeedsYes() async throws {
    try await with("a") { device in
      let outcome = try await write(device, more: [])
      #expect(outcome.status == 64, "\(outcome)")
      #expect(outcome.errors.contains("there is no terminal to ask on\n  Name the drive by its identity and add --yes"))
      #expect(outcome.output.isEmpty)
      #expect(try await holdsImage(device) == false)
    }
  }

  /// A loop device is known by its port, which is what has to be typed.
  @Test func aWrongWordStopsItAndTheRightOneDoesNot() async throws {
    try await with("a") { device in
      let program = try Repository.program("lifeboat").string
      func type(_ word: String) async throws -> Tool.Outcome {
        try await Tool.run(
          "script", ["-qec", "\(program) write \(image) \(device) --allow-loop", "/dev/null"],
          environment: ["NO_COLOR": "1", "SHELL": "/bin/sh"], input: Array("\(word)\n".utf8), package: "bsdutils")
      }
      let wrong = try await type("yes")
      #expect(wrong.status == 64, "\(wrong)")
      #expect(wrong.output.contains(": nothing was done"), "\(wrong)")
      #expect(try await holdsImage(device) == false)
      let question = try #require(wrong.output.firstMatch(of: /Type the name of [^,]*, (.*), to go on:/))
      let right = try await type(String(question.1))
      #expect(right.status == 0, "\(right)")
      #expect(try await holdsImage(device))
    }
  }

  @Test func verifyOnlyFindsDamageAndLeavesIt() async throws {
    try await with("a") { device in
      #expect(try await write(device).status == 0)
      let whole = try await write(device, more: ["--verify-only"])
      #expect(whole.status == 0 && whole.output.contains("verified, 0 B written"), "\(whole)")
      try await damage(device, at: 6 << 20)
      let damaged = try await write(device, more: ["--verify-only", "--json"])
      #expect(damaged.status == 11, "\(damaged)")
      let target = try target(damaged)
      #expect(target["code"] as? String == "verify-failed" && target["written"] as? Int == 0)
      #expect((target["error"] as? String)?.contains("6,291,456…") == true, "\(target)")
      #expect(try await holdsImage(device) == false, "nothing was written")
    }
  }

  @Test func updateWritesWhatDiffers() async throws {
    try await with("a") { device in
      #expect(try await write(device).status == 0)
      try await damage(device, at: 6 << 20)
      let outcome = try await write(device, more: ["--yes", "--update", "--json"])
      #expect(outcome.status == 0, "\(outcome)")
      let target = try target(outcome)
      #expect(target["state"] as? String == "complete")
      let written = try #require(target["written"] as? Int)
      #expect(written > 0 && written < 3 << 20, "one stretch and the first piece, not all: \(written)")
      #expect(try await holdsImage(device))
    }
  }

  @Test(arguments: [("zstd", "zst"), ("gzip", "gz"), ("xz", "xz")])
  func takesACompressedImage(program: String, suffix: String) async throws {
    #expect(try await Tool.run(program, ["-1", "-k", image.string]).status == 0)
    try await with("a") { device in
      let outcome = try await write(device, image: FilePath("\(image).\(suffix)"))
      #expect(outcome.status == 0 && outcome.errors.contains(", \(program)\n"), "\(outcome)")
      #expect(try await holdsImage(device))
    }
  }

  @Test func anImageThatIsNotWhatItsChecksumSaysNeverStarts() async throws {
    try folder.write("stick.img.sha256", String(repeating: "0", count: 64) + "  stick.img\n")
    try await with("a") { device in
      let outcome = try await write(device, more: ["--yes", "--json"])
      #expect(outcome.status == 3, "\(outcome)")
      let target = try target(outcome)
      #expect(target["code"] as? String == "digest-mismatch")
      #expect(target["state"] as? String == "incompleteNotBootable")
      #expect(try await isEmptyAtTheStart(device))
    }
  }

  @Test func everyLineOfJSONIsADocumentAndTheLastOneIsTheResult() async throws {
    try await with("a") { device in
      let outcome = try await write(device, more: ["--yes", "--json"])
      #expect(outcome.status == 0 && outcome.lines.count > 1, "\(outcome)")
      let documents = try outcome.lines.map {
        try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
      }
      #expect(documents.dropLast().allSatisfy { $0["event"] as? String == "progress" })
      #expect(documents.dropLast().allSatisfy { $0["target"] as? String == device.string && $0["done"] is Int })
      #expect(documents.last?["event"] as? String == "result" && documents.last?["image"] as? String == image.string)
      let target = try target(outcome)
      #expect(target["path"] as? String == device.string && target["state"] as? String == "complete")
      #expect(target["error"] == nil && (target["repaired"] as? [Any])?.isEmpty == true)
    }
  }

  @Test func twoDrivesAtOnce() async throws {
    try await with("a") { first in
      try await with("b") { second in
        let outcome = try await write(first, second)
        #expect(outcome.status == 0 && outcome.lines.count == 2, "\(outcome)")
        #expect(outcome.errors.contains("Everything on them will be lost."))
        #expect(try await holdsImage(first))
        #expect(try await holdsImage(second))
      }
    }
  }

  @Test func oneThatFailsMakesItPartialAndHoldsNobody() async throws {
    try await with("a") { first in
      try await with("b") { second in
        #expect(try await write(first, second).status == 0)
        try await damage(second, at: 5 << 20)
        let outcome = try await write(first, second, more: ["--verify-only", "--json"])
        #expect(outcome.status == 1, "\(outcome)")
        #expect(try target(outcome, 0)["state"] as? String == "complete")
        #expect(try target(outcome, 1)["code"] as? String == "verify-failed")
      }
    }
  }

  @Test func whatMayNotBeWrittenIs15() async throws {
    try await with("a") { device in
      let loop = try await Repository.lifeboat(["write", image.string, device.string, "--yes"])
      #expect(loop.status == 15 && loop.errors.contains("not a drive"), "\(loop)")
      let large = try ImageMaker.sparse(folder.appending("large.img"), size: 17 << 20, data: [0..<512])
      let small = try await write(device, image: large)
      #expect(small.status == 15 && small.errors.contains("too small"), "\(small)")
      #expect(small.errors.contains("16,777,216") && small.errors.contains("17,825,792"), "both sizes: \(small)")
      // An image that does not tell its size before its end.
      #expect(try await Tool.run("gzip", ["-k", large.string]).status == 0)
      let late = try await write(device, image: FilePath("\(large).gz"))
      #expect(late.status == 15, "\(late)")
      #expect(try await isEmptyAtTheStart(device), "nothing that starts is left")
    }
  }

  @Test func aDriveThatIsHeldIs15AndALockedOneIs14() async throws {
    let backing = try ImageMaker.filled(folder.appending("a"), size: 16 << 20)
    try await Loop.with(backing, ["-r"]) { device in
      let outcome = try await write(device)
      #expect(outcome.status == 14 && outcome.errors.contains("write-protected"), "\(outcome)")
    }
    #expect(try await Tool.run("mkfs.ext4", ["-q", "-F", backing.string]).status == 0)
    try await Loop.with(backing) { device in
      let point = folder.appending("mounted")
      try FileTree.makeFolder(point)
      let mounted = try await Tool.run("mount", [device.string, point.string])
      try #require(mounted.status == 0, "\(mounted)")
      let outcome = try await write(device)
      #expect(try await Tool.run("umount", [point.string]).status == 0)
      #expect(outcome.status == 15 && outcome.errors.contains("is mounted at \(point)"), "\(outcome)")
    }
  }

  @Test func anImageThatIsNotThereIs66() async throws {
    try await with("a") { device in
      let outcome = try await write(device, image: folder.appending("absent.img"))
      #expect(outcome.status == 66, "\(outcome)")
      let unknown = try await write("/dev/loop-of-nobody")
      #expect(unknown.status == 64 && unknown.errors.contains("there is no drive /dev/loop-of-nobody"), "\(unknown)")
    }
  }
}

/// What needs no device.
@Suite struct WriteCommandLineTests {
  @Test(arguments: [
    (["x.iso"], "Name the drives"), (["x.iso", "/dev/sdz", "--update", "--no-verify"], "Use only one of"),
    (["x.iso", "--all-removable", "--yes"], "named by its identity"), (["x.iso", "A", "--count", "3"], "--station"),
    (["x.iso", "A", "--station"], "takes no targets"), (["x.iso", "--station", "--count", "0"], "from 1"),
    (["x.iso", "A", "--all-removable"], "Name the drives"),
    (["x.iso", "A", "--data", "--verify-only"], "leave --data out"),
    (["x.iso", "A", "--data-label", "X"], "belong to --data"),
    (["x.iso", "A", "--data-file-system", "ext4"], "belong to --data"),
    (["x.iso", "A", "--data", "--data-file-system", "fat32"], "exfat"),
  ])
  func whatContradictsItselfIs64(arguments: [String], says: String) async throws {
    let outcome = try await Repository.lifeboat(["write"] + arguments)
    #expect(outcome.status == 64 && outcome.errors.contains(says), "\(outcome)")
  }
}
