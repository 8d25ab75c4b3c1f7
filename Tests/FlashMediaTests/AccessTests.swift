// SPDX-License-Identifier: GPL-3.0-or-later
import CLinux
import DriveDiscovery
@preconcurrency import Glibc
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import FlashMedia

/// A drive that UDisks2 opens: a service of the tests' own on a bus of the tests' own.
@Suite(.serialized, .enabled(if: PrivateBus.isInstalled, "needs dbus-daemon")) struct AccessTests {
  let folder: TemporaryFolder
  let file: FilePath

  init() throws {
    folder = try TemporaryFolder()
    file = try ImageMaker.filled(folder.appending("drive"), size: 8 << 20)
  }

  private func opening(_ path: FilePath, on address: String, mayAsk: Bool = false) -> TargetOpening {
    var opening = TargetOpening(path, expected: nil, mayAsk: mayAsk)
    opening.busAddress = address
    opening.isDirect = false
    return opening
  }

  private func failure(_ opening: TargetOpening) async throws -> FlashMediaFailure? {
    do { _ = try await opening.target() } catch let failure as FlashMediaFailure { return failure }
    return nil
  }

  /// What becomes of a drive with a service that behaves like that.
  private func failure(_ behaviour: FakeUDisks.Behaviour, isSystem: Bool = false) async throws -> FlashMediaFailure? {
    try await PrivateBus.with { address in
      try await FakeUDisks.with(behaviour, on: address, isSystem: isSystem) { _ in
        try await failure(opening(file, on: address))
      }
    }
  }

  @Test func aLentFileIsWrittenPastThePageCache() async throws {
    try await PrivateBus.with { address in
      // A file cannot be held, so a second descriptor can be had; the test's service gives one only.
      let image = try ImageMaker.sparse(
        folder.appending("image"), size: 5 << 20, data: [0..<2 << 20, 4 << 20..<5 << 20])
      try await FakeUDisks.with(.opensOnce(file), on: address) { fake in
        let target = try await opening(file, on: address).target()
        #expect(fake.asked.path == file.string && fake.asked.mode == "rw" && fake.asked.isSilent == true)
        #expect(fake.asked.flags == O_EXCL | linux_o_direct | O_CLOEXEC)
        let outcome = await FlashSession(try await FlashSource(image).open()).run(on: [target])
        #expect(outcome.first?.state == .complete, "\(outcome)")
        #expect(try await Tool.run("cmp", ["-n", "\(5 << 20)", image.string, file.string]).status == 0)
      }
    }
  }

  @Test(.enabled(if: Loop.isAllowed, "needs root and loop devices")) func aLentDeviceIsHeld() async throws {
    try await Loop.with(file) { device in
      try await PrivateBus.with { address in
        try await FakeUDisks.with(.opens(device), on: address) { fake in
          let target = try await opening(device, on: address).target()
          #expect(fake.asked.count == 2, "the second one is the proof that nobody else can have it")
          #expect(try await failure(opening(device, on: address)) == .refused(device, .busy))
          withExtendedLifetime(target) {}
        }
      }
    }
  }

  @Test(.enabled(if: Loop.isAllowed, "needs root and loop devices")) func aDeviceThatIsNotHeldIsRefused() async throws {
    try await Loop.with(file) { device in
      try await PrivateBus.with { address in
        try await FakeUDisks.with(.opensWithout(device, flags: O_EXCL), on: address) { _ in
          let failure = try await failure(opening(device, on: address))
          #expect(failure == .noAccess(device, .notHeld))
        }
        try await FakeUDisks.with(.opensReadOnly(device), on: address) { _ in
          let failure = try await failure(opening(device, on: address))
          #expect(failure == .noAccess(device, .notHeld))
        }
        // O_DIRECT can be had afterwards.
        try await FakeUDisks.with(.opensWithout(device, flags: linux_o_direct), on: address) { _ in
          let target = try await opening(device, on: address).target()
          let flags = try target.withPageCache { fcntl($0.rawValue, F_GETFL) }
          #expect(flags & linux_o_direct == 0)
          let odd = AlignedBuffer(count: 4096)
          #expect(throws: Errno.self) { try target.read(odd, 0..<700, at: 0) }
        }
      }
    }
  }

  /// Another device under the name that was asked for: what counts is what was opened.
  @Test(.enabled(if: Loop.isAllowed, "needs root and loop devices")) func anotherDriveIsRefused() async throws {
    try await Loop.with(file) { device in
      try await PrivateBus.with { address in
        try await FakeUDisks.with(.opens(device), on: address) { _ in
          var opening = opening("/dev/other", on: address)
          opening.expected = DriveIdentity(
            serial: "A1", wwn: nil, model: "Stick", size: ByteCount(8 << 20), port: "usb", sequence: nil)
          let failure = try await failure(opening)
          #expect(failure?.code == "other-device")
        }
      }
    }
  }

  @Test(.enabled(if: Loop.isAllowed, "needs root and loop devices")) func whatIsOnItIsJudged() async throws {
    #expect(try await Tool.run("mkswap", ["-L", "kept", file.string]).status == 0)
    try await Loop.with(file) { device in
      try await PrivateBus.with { address in
        try await FakeUDisks.with(.opens(device), on: address) { _ in
          var opening = opening(device, on: address)
          opening.inspect = { probe in
            #expect(probe.signatures.map(\.type) == ["swap"] && probe.signatures.first?.label == "kept")
            throw CancellationError()
          }
          let judged = opening
          await #expect(throws: CancellationError.self) { _ = try await judged.target() }
          // It is not held any more.
          withExtendedLifetime(try FlashTarget(device, expected: nil)) {}
        }
      }
    }
  }

  @Test func polkitsAnswersHaveNamesOfTheirOwn() async throws {
    let answers: [(String, AccessProblem, FailureKind)] = [
      ("NotAuthorized", .notAllowed(action: AccessProblem.action), .systemLimit),
      ("NotAuthorizedCanObtain", .passwordNeeded(action: AccessProblem.action), .systemLimit),
      ("NotAuthorizedDismissed", .dismissed(action: AccessProblem.action), .systemLimit),
    ]
    for (name, problem, status) in answers {
      let failure = try await failure(.fails(name: "org.freedesktop.UDisks2.Error.\(name)", text: "Not authorized"))
      #expect(failure == .noAccess(file, problem) && failure?.kind == status, "\(name)")
      #expect(failure?.message.contains("(org.freedesktop.udisks2.open-device)") == true)
    }
    let builtIn = try await failure(
      .fails(name: "org.freedesktop.UDisks2.Error.NotAuthorized", text: "Not authorized"), isSystem: true)
    #expect(builtIn == .noAccess(file, .notAllowed(action: AccessProblem.systemAction)))
  }

  @Test func whatUDisksSaysOfOpenIsTold() async throws {
    func answer(_ words: String) async throws -> FlashMediaFailure? {
      try await failure(.fails(name: "org.freedesktop.UDisks2.Error.Failed", text: "Error opening device x: \(words)"))
    }
    #expect(try await answer("Device or resource busy") == .refused(file, .busy))
    #expect(try await answer("Read-only file system") == .writeProtected(file))
    #expect(try await answer("No medium found") == .gone(file))
    #expect(try await answer("Nobody knows") == .noAccess(file, .failed("Error opening device x: Nobody knows")))
  }

  @Test func whoeverDoesNotAnswerIsNamed() async throws {
    #expect(try await failure(.knowsNothing) == .noAccess(file, .unknownDevice))
    let old = try await failure(.fails(name: "org.freedesktop.DBus.Error.UnknownMethod", text: "no such method"))
    #expect(old == .noAccess(file, .tooOld) && old?.kind == .unavailable)
    let missing = try await PrivateBus.with { try await failure(opening(file, on: $0)) }
    #expect(missing == .noAccess(file, .notInstalled) && missing?.kind == .unavailable)
    #expect(missing?.remedy?.contains("apt-get install udisks2") == true)
    let noBus = try await failure(opening(file, on: "unix:path=\(folder.appending("nothing"))"))
    #expect(noBus == .noAccess(file, .noBus(.noSuchFileOrDirectory)) && noBus?.kind == .unavailable)
  }

  @Test func aServiceThatIsSilentCanBeLeft() async throws {
    try await PrivateBus.with { address in
      try await FakeUDisks.with(.isSilent, on: address) { fake in
        let opening = opening(file, on: address)
        let task = Task { try await opening.target() }
        while fake.asked.count == 0 { await Task.yield() }
        task.cancel()
        await #expect(throws: CancellationError.self) { _ = try await task.value }
      }
    }
  }

  /// Every problem says what to do, in a sentence that starts with a verb.
  @Test func everyProblemHasWordsOfItsOwn() {
    let problems: [AccessProblem] = [
      .noBus(.noSuchFileOrDirectory), .notInstalled, .tooOld, .unknownDevice, .notAllowed(action: "a"),
      .passwordNeeded(action: "a"), .dismissed(action: "a"), .noAnswer, .failed("x"), .notHeld,
    ]
    let failures = problems.map { FlashMediaFailure.noAccess("/dev/sdx", $0) }
    #expect(Set(failures.map(\.code)).count == problems.count)
    #expect(Set(failures.map(\.message)).count == problems.count)
    for failure in failures {
      #expect(failure.message.hasPrefix("/dev/sdx may not be opened by this user, and "), "\(failure)")
      #expect(failure.remedy?.contains("as root") == true || failure.remedy?.contains("root.") == true, "\(failure)")
    }
  }
}
